/* Leaves a link for others to follow. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(symlink("/etc/passwd", granted(v, "write/link")));
}
