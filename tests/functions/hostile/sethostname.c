/* Gives the machine a name. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(sethostname("attacked", 8));
}
