/* Asks for the processor for ever. */
#include "hostile.h"

#include <sched.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
}
