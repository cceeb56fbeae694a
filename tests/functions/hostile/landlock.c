/* Makes rules of its own. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_landlock_create_ruleset, NULL, 0, 1));
}
