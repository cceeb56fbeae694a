/* Makes a mount namespace. */
#include "hostile.h"

#include <sched.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(unshare(CLONE_NEWNS));
}
