/* Listens, on whatever port the kernel gives it. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(listen(fd, 1));
}
