/* Loads a module. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_init_module, NULL, 0, ""));
}
