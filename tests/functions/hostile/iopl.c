/* Takes the ports of the machine. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_iopl, 3));
}
