/* Chooses where memory lies. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_set_mempolicy, 0, NULL, 0));
}
