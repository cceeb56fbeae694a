/* Connects to another port by sending a message first. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(22), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct iovec bytes = {(char[]){"x"}, 1};
    const struct msghdr message = {
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &bytes, .msg_iovlen = 1};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(sendmsg(fd, &message, MSG_FASTOPEN));
}
