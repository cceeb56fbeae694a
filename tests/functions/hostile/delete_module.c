/* Removes a module. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_delete_module, "hark_attack", 0));
}
