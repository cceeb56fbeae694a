/* Takes a file from its owner. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(chown(granted(v, "write/counter"), getuid(), getgid()));
}
