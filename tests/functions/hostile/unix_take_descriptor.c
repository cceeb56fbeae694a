/* Waits for a descriptor of the service. */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *attack(const struct victims *v)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", granted(v, "socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return failed("connect");
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr packet = {.msg_iov = &iov, .msg_iovlen = 1};
    return outcome(recvmsg(fd, &packet, MSG_DONTWAIT));
}
