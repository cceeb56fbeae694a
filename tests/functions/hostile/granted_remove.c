/* Removes a file that it was granted to read. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(unlink(granted(v, "read/table")));
}
