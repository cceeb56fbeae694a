/* Puts itself before all others. */
#include "hostile.h"

#include <sys/resource.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setpriority(PRIO_PROCESS, 0, -20));
}
