/* Takes back that nothing written is executed. */
#include "hostile.h"

#include <sys/prctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(prctl(65 /* PR_SET_MDWE */, 0, 0, 0, 0));
}
