/* Lets everybody trace it. */
#include "hostile.h"

#include <sys/prctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY));
}
