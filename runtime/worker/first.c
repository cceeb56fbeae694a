#include "worker/first.h"

#include "worker/capabilities.h"
#include "worker/root.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

/* One byte, with the descriptor if there is one. */
static int send_fd(int socket, int fd)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec iov = {(char[]){'.'}, 1};
    struct msghdr packet = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        packet.msg_control = rights;
        packet.msg_controllen = sizeof rights;
        struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
        *c = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    return sendmsg(socket, &packet, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_fd(int socket, int *ret_fd)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(sizeof(int))];
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr packet = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
    ssize_t n;
    do
        n = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -ECHILD;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
    *ret_fd = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(c), sizeof *ret_fd);
    return 0;
}

/* In the child. The zygote's death closes the lifeline, also when it came before the prctl. */
static _Noreturn void live(int lifeline)
{
    char byte;
    bool emptied;
    ssize_t n;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || send_fd(lifeline, root_mount_proc()) < 0 ||
        dup2(lifeline, STDIN_FILENO) < 0 || close_range(STDIN_FILENO + 1, ~0u, 0) < 0 ||
        capabilities_drop(&emptied) < 0)
        _exit(EX_OSERR);
    (void)prctl(PR_SET_NAME, "hark-first");
    do
        n = read(STDIN_FILENO, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(EXIT_SUCCESS);
}

int first_start(struct first *first)
{
    int ends[2];
    *first = (struct first){.lifeline = -1, .proc = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    first->pid = fork();
    int error = first->pid < 0 ? -errno : 0;
    if (first->pid == 0) {
        close(ends[0]);
        live(ends[1]);
    }
    close(ends[1]);
    if (!error)
        error = receive_fd(ends[0], &first->proc);
    if (error)
        close(ends[0]);
    else
        first->lifeline = ends[0];
    return error;
}
