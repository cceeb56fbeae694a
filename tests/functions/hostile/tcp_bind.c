/* Takes a port of its own. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(bind(fd, (const struct sockaddr *)&at, sizeof at));
}
