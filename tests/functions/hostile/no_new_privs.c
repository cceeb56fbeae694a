/* Takes back that it may not gain privileges. */
#include "hostile.h"

#include <sys/prctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
