/* Brings a file that it may only read to where it may write. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    char to[512];
    snprintf(to, sizeof to, "%s", granted(v, "write/table"));
    return outcome(link(granted(v, "read/table"), to));
}
