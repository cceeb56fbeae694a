/* Moves a file out of the folder. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    char to[512];
    snprintf(to, sizeof to, "%s", granted(v, "stolen"));
    return outcome(rename(granted(v, "write/counter"), to));
}
