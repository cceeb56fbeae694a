/* Would restart the machine: the wrong magic number asks for the right only. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_reboot, 0, 0, 0, NULL));
}
