/* Changes quotas. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_quotactl, 0, NULL, 0, NULL));
}
