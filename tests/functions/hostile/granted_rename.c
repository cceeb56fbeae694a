/* Renames a file that it was granted to read. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    char to[512];
    snprintf(to, sizeof to, "%s", granted(v, "read/new"));
    return outcome(rename(granted(v, "read/table"), to));
}
