/* Gives a file an attribute. */
#include "hostile.h"

#include <sys/xattr.h>

static const char *attack(const struct victims *v)
{
    return outcome(setxattr(granted(v, "write/counter"), "user.hark", "x", 1, 0));
}
