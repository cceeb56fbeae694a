#include "worker/first.h"

#include "worker/capabilities.h"
#include "worker/descriptors.h"
#include "worker/root.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

/* In a user namespace a procfs can be mounted only where one is in sight: in the empty root none is. */
static int mount_proc(const struct views *views)
{
    if (views->machine < 0)
        return root_mount_proc();
    if (setns(views->machine, CLONE_NEWNS) < 0)
        return -errno;
    int proc = root_mount_proc();
    if (setns(views->empty, CLONE_NEWNS) < 0)
        _exit(EX_OSERR);
    return proc;
}

/* In the child. The zygote's death closes the lifeline, also when it came before the prctl. */
static _Noreturn void live(int lifeline, const struct views *views)
{
    char byte;
    bool emptied;
    ssize_t n;
    int proc = mount_proc(views);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || descriptors_send(lifeline, &proc, proc >= 0) < 0 ||
        dup2(lifeline, STDIN_FILENO) < 0 || close_range(STDIN_FILENO + 1, ~0u, 0) < 0 ||
        capabilities_drop(&emptied) < 0)
        _exit(EX_OSERR);
    (void)prctl(PR_SET_NAME, "hark-first");
    do
        n = read(STDIN_FILENO, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(EXIT_SUCCESS);
}

int first_start(struct first *first, const struct views *views)
{
    int ends[2], fds[DESCRIPTORS_MAX] = {-1}, count = 0;
    char byte;
    *first = (struct first){.lifeline = -1, .proc = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    first->pid = fork();
    int error = first->pid < 0 ? -errno : 0;
    if (first->pid == 0) {
        close(ends[0]);
        live(ends[1], views);
    }
    close(ends[1]);
    ssize_t got = error ? error : descriptors_receive(ends[0], &byte, 1, fds, &count);
    if (got <= 0) {
        close(ends[0]);
        return got < 0 ? (int)got : -ECHILD;
    }
    first->lifeline = ends[0];
    first->proc = count == 1 ? fds[0] : -1;
    return 0;
}
