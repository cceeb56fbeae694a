/* Changes what the kernel thinks its memory is. */
#include "hostile.h"

#include <sys/prctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(prctl(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0));
}
