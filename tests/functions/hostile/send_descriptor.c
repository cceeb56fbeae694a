/* Sends a descriptor to hark, to fill its table. */
#include "hostile.h"

#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    char byte = 0;
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr packet = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
    struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    return outcome(sendmsg(3, &packet, 0));
}
