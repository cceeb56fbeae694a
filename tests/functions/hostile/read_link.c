/* Asks what program it is: the path says who runs it. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    char path[256];
    return outcome(readlink("/proc/self/exe", path, sizeof path));
}
