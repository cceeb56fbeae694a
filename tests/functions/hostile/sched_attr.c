/* Asks for the processor for ever, the new way. */
#include "hostile.h"

/* struct sched_attr: size, SCHED_FIFO, two words of flags, nice, priority. */
static unsigned attributes[12] = {sizeof attributes, 1, 0, 0, 0, 1};

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_sched_setattr, 0, attributes, 0));
}
