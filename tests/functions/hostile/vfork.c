/* Has a child by vfork(2), which ends at once. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    pid_t pid = vfork(); /* NOLINT: that is the attack */
    if (pid == 0)
        _exit(0);
    return outcome(pid);
}
