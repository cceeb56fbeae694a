/* Raises its limit on descriptors. */
#include "hostile.h"

#include <sys/resource.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setrlimit(RLIMIT_NOFILE, &(struct rlimit){65536, 65536}));
}
