/* Makes a system call of the x32 kind, whose numbers are others. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(0x40000000 | SYS_getpid));
}
