/* Gives the kernel a program. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_bpf, 0, NULL, 0));
}
