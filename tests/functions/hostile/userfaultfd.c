/* Stops the kernel wherever it touches memory. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_userfaultfd, 1));
}
