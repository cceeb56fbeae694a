/* Loads another kernel. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}
