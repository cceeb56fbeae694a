/* Leaves a link in the folder that it was granted. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(symlink("/etc/passwd", granted(v, "read/stolen")));
}
