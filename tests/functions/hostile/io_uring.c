/* Has the kernel make system calls for it. */
#include "hostile.h"

static char params[120];

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_io_uring_setup, 8, params));
}
