/* Asks for the interfaces of the machine. */
#include "hostile.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    struct ifconf list = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(ioctl(fd, SIOCGIFCONF, &list));
}
