/* Asks for the network's devices. */
#include "hostile.h"

#include <net/if.h>
#include <sys/ioctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(ioctl(3, SIOCGIFCONF, &(struct ifconf){0}));
}
