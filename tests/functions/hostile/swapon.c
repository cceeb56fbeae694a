/* Swaps to a file. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_swapon, "/etc/passwd", 0));
}
