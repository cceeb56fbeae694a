/* Mounts a file system, the new way. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_fsopen, "proc", 0));
}
