/* Connects to a port that it was not granted, by the other IP. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    const struct sockaddr_in6 to = {
        .sin6_family = AF_INET6, .sin6_port = htons(22), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(connect(fd, (const struct sockaddr *)&to, sizeof to));
}
