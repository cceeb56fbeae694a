/* Goes to the root folder. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(chdir("/"));
}
