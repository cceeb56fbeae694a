/* Joins root's group. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setgid(0));
}
