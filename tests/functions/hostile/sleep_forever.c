/* Sleeps and never wakes up. */
#include "hostile.h"

#include <time.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    while (nanosleep(&(struct timespec){.tv_sec = 3600}, NULL) == 0)
        ;
    return outcome(-1);
}
