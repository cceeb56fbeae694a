/* Clears the signal that ends it with its parent. */
#include "hostile.h"

#include <sys/prctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(prctl(PR_SET_PDEATHSIG, 0));
}
