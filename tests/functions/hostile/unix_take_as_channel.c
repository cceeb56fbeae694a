/* Puts the service's socket where the channel to hark was, by which a worker once got descriptors. */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { CHANNEL = 3 };

static const char *attack(const struct victims *v)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", granted(v, "socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), channel = dup(CHANNEL);
    if (fd < 0 || channel < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return failed("connect");
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr packet = {.msg_iov = &iov, .msg_iovlen = 1};
    dup2(fd, CHANNEL);
    const char *got = outcome(recvmsg(CHANNEL, &packet, MSG_DONTWAIT));
    dup2(channel, CHANNEL);
    close(channel);
    close(fd);
    return got;
}
