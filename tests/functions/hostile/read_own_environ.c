/* Opens its own environment. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/proc/self/environ", O_RDONLY));
}
