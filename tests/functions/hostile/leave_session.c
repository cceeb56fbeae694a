/* Leaves its session, to be forgotten. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setsid());
}
