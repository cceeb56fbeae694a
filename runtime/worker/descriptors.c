#include "worker/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int descriptors_send(int socket, const int *fds, int count)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(DESCRIPTORS_MAX * sizeof *fds)] = {0};
    struct iovec iov = {(char[]){'.'}, 1};
    struct msghdr packet = {.msg_iov = &iov, .msg_iovlen = 1};
    size_t bytes = (size_t)count * sizeof *fds;
    if (count) {
        packet.msg_control = rights;
        packet.msg_controllen = CMSG_SPACE(bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
        *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(bytes)};
        memcpy(CMSG_DATA(c), fds, bytes);
    }
    return sendmsg(socket, &packet, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t descriptors_receive(int socket, void *bytes, size_t room, int ret_fds[DESCRIPTORS_MAX],
                            int *ret_count)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(DESCRIPTORS_MAX * sizeof *ret_fds)];
    struct iovec iov = {bytes, room};
    struct msghdr packet = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
    ssize_t n;
    *ret_count = 0;
    do
        n = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    if (packet.msg_flags & MSG_CTRUNC)
        return -EMFILE;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        size_t taken = c->cmsg_len - CMSG_LEN(0);
        memcpy(ret_fds, CMSG_DATA(c), taken);
        *ret_count = (int)(taken / sizeof *ret_fds);
    }
    return n;
}
