/* Connects to its port, gives that up, and connects to another with the same socket. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(22), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, &none, sizeof none) < 0)
        return failed("give up");
    return outcome(connect(fd, (const struct sockaddr *)&to, sizeof to));
}
