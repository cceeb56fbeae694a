/* Connects to another port by sending first. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(22), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return failed("socket");
    return outcome(sendto(fd, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&to, sizeof to));
}
