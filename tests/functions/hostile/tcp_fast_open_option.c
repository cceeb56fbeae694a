/* Lets the next connect wait for the first byte. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    return fd < 0 ? failed("socket") : outcome(setsockopt(fd, IPPROTO_TCP, 30, &yes, sizeof yes));
}
