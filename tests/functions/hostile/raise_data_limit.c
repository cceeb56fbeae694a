/* Raises its limit on memory. */
#include "hostile.h"

#include <sys/resource.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setrlimit(RLIMIT_DATA, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}));
}
