#include "worker/namespaces.h"

#include "worker/capabilities.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whom a worker sees itself as. Not 0, which programs take for power, and which it would not have. */
enum { ID_INSIDE = 65534 };

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int error = n < 0 ? -errno : 0;
    close(fd);
    return error;
}

static int write_map(const char *path, unsigned outside)
{
    char line[32];
    snprintf(line, sizeof line, "%d %u 1", ID_INSIDE, outside);
    return write_file(path, line);
}

/* The maps of a process that is not dumpable belong to root. */
static int write_maps(uid_t uid, gid_t gid)
{
    if (prctl(PR_SET_DUMPABLE, 1) < 0)
        return -errno;
    int error = write_file("/proc/self/setgroups", "deny");
    if (!error)
        error = write_map("/proc/self/gid_map", gid);
    if (!error)
        error = write_map("/proc/self/uid_map", uid);
    if (prctl(PR_SET_DUMPABLE, 0) < 0 && !error)
        error = -errno;
    return error;
}

int namespaces_enter_user(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int error = capabilities_enter_user_namespace();
    return error ? error : write_maps(uid, gid);
}

static _Noreturn void try_user(const struct identity *identity)
{
    int error = identity_become(identity);
    if (!error)
        error = namespaces_enter_user();
    if (!error && unshare(CLONE_NEWUTS) < 0) /* some kernels give the namespace, but no rights in it */
        error = -errno;
    _exit(-error & 0xff);
}

int namespaces_try_user(const struct identity *identity)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        try_user(identity);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static void enter(struct layer_state *state, int flags)
{
    if (state->status == LAYER_WAIVED)
        return;
    bool entered = unshare(flags) == 0;
    *state = (struct layer_state){.status = entered ? LAYER_ENFORCED : LAYER_MISSING,
                                  .error = entered ? 0 : errno};
}

/* The machine's name is none of a function's business. */
static void hide_host_name(struct layer_state *state)
{
    if (state->status == LAYER_ENFORCED && sethostname("hark", strlen("hark")) < 0)
        *state = (struct layer_state){.status = LAYER_DEGRADED, .error = errno};
}

void namespaces_enter(struct layer_state states[LAYER_COUNT])
{
    enter(&states[LAYER_NETNS], CLONE_NEWNET);
    enter(&states[LAYER_IPCNS], CLONE_NEWIPC | CLONE_NEWUTS);
    hide_host_name(&states[LAYER_IPCNS]);
    enter(&states[LAYER_ROOT], CLONE_NEWNS);
    enter(&states[LAYER_PIDNS], CLONE_NEWPID);
}
