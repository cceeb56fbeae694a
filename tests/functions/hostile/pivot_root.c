/* Puts another root in the place of its own. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_pivot_root, "/", "/"));
}
