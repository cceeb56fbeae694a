/* Makes a user namespace, where it would have every capability. */
#include "hostile.h"

#include <sched.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(unshare(CLONE_NEWUSER));
}
