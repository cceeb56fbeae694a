/* Asks for core dumps. */
#include "hostile.h"

#include <sys/resource.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}));
}
