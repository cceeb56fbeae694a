#include "dispatcher/cgroup_tree.h"

#include "shared/clock.h"
#include "shared/fork_into.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCS_MAX = 16 * 1024, DEPTH_MAX = 4 };

int cgroup_put(int folder, const char *name, const char *value)
{
    int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = write(fd, value, strlen(value)) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int cgroup_put_number(int folder, const char *name, unsigned long long value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", value);
    return cgroup_put(folder, name, text);
}

int cgroup_make(int parent, const char *name)
{
    if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 ? -errno : folder;
}

static int switch_one(int folder, char sign, unsigned controller)
{
    char word[16];
    snprintf(word, sizeof word, "%c%s", sign, cgroup_name(controller));
    return cgroup_put(folder, "cgroup.subtree_control", word);
}

/* One at a time: one that fails must not take the others with it. */
unsigned cgroup_enable(int folder, unsigned wanted)
{
    unsigned enabled = 0;
    for (unsigned bit = 1; bit <= CGROUP_ALL; bit <<= 1) {
        if ((wanted & bit) && switch_one(folder, '+', bit) == 0)
            enabled |= bit;
    }
    return enabled;
}

void cgroup_disable(int folder, unsigned controllers)
{
    for (unsigned bit = 1; bit <= CGROUP_ALL; bit <<= 1) {
        if (controllers & bit)
            (void)!switch_one(folder, '-', bit);
    }
}

void cgroup_bar(int folder, bool barred)
{
    (void)!fchmodat(folder, "cgroup.procs", barred ? 0 : 0644, 0);
}

/* Of a list that is longer than the buffer, the last number may be cut: it would be somebody else's. */
static void kill_listed(int folder)
{
    char list[PROCS_MAX], *end;
    (void)!cgroup_read(folder, "cgroup.procs", list, sizeof list);
    for (char *at = list; *at; at = end + 1) {
        long pid = strtol(at, &end, 10);
        if (end == at || *end != '\n')
            return;
        if (pid > 1)
            kill((pid_t)pid, SIGKILL);
    }
}

void cgroup_kill_all(int folder)
{
    if (cgroup_put(folder, "cgroup.kill", "1") == -ENOENT)
        kill_listed(folder);
}

/* Removes the cgroups in it, deepest first. */
static void remove_children(int folder, int depth)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    while (list && depth < DEPTH_MAX && (entry = readdir(list))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        int child = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0)
            continue;
        cgroup_kill_all(child);
        remove_children(child, depth + 1);
        close(child);
        (void)!unlinkat(folder, entry->d_name, AT_REMOVEDIR);
    }
    if (list)
        closedir(list);
}

/* The kernel says POLLPRI when a cgroup gets empty. */
static void await_change(int folder, int within_ms)
{
    struct pollfd events = {.fd = openat(folder, "cgroup.events", O_RDONLY | O_CLOEXEC), .events = POLLPRI};
    if (events.fd < 0)
        return;
    char text[256];
    (void)!read(events.fd, text, sizeof text); /* from now on changes count */
    (void)!poll(&events, 1, within_ms);
    close(events.fd);
}

int cgroup_tree_clear(int parent, const char *name, int within_ms)
{
    enum { STEP_MS = 10 };
    uint64_t until_ns = clock_now_ns() + (uint64_t)within_ms * NS_PER_MS;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? 0 : -errno;
    int error;
    for (;;) {
        cgroup_kill_all(folder);
        remove_children(folder, 0);
        error = unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
        if (error != -EBUSY || clock_now_ns() >= until_ns)
            break;
        await_change(folder, STEP_MS);
    }
    close(folder);
    return error;
}

int cgroup_try_birth(int folder)
{
    int status = 0;
    pid_t pid = fork_into(folder);
    if (pid == 0)
        _exit(EXIT_SUCCESS);
    if (pid < 0)
        return pid;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0 ? 0 : -EIO;
}
