/* Moves a file over one that it may only read. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    char to[512];
    snprintf(to, sizeof to, "%s", granted(v, "read/table"));
    return outcome(rename(granted(v, "write/counter"), to));
}
