/* Puts its input and output before all others. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
}
