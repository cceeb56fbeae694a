/* Loads a module from a descriptor. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_finit_module, 3, "", 0));
}
