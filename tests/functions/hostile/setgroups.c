/* Joins groups. */
#include "hostile.h"

#include <grp.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setgroups(1, (gid_t[]){0}));
}
