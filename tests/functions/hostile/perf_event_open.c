/* Measures what others do. */
#include "hostile.h"

static char attributes[128];

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0));
}
