/* Has processes accounted to a file. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_acct, "/etc/passwd"));
}
