/* Opens the map of its own memory. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/proc/self/maps", O_RDONLY));
}
