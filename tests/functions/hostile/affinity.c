/* Chooses its processor. */
#include "hostile.h"

#include <sched.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(sched_setaffinity(0, sizeof(cpu_set_t), &(cpu_set_t){0}));
}
