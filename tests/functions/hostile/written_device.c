/* Makes a device. */
#include "hostile.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *attack(const struct victims *v)
{
    return outcome(mknod(granted(v, "write/null"), S_IFCHR | 0666, makedev(1, 3)));
}
