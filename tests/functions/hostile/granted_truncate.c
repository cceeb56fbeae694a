/* Empties a file that it was granted to read. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(truncate(granted(v, "read/table"), 0));
}
