/* Takes memory that even the kernel does not map. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_memfd_secret, 0));
}
