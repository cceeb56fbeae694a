/* Sets the clock to what it shows. */
#include "hostile.h"

#include <time.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(clock_settime(CLOCK_REALTIME, &(struct timespec){.tv_sec = 1}));
}
