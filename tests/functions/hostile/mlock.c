/* Nails memory down. */
#include "hostile.h"

#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    static char nailed[1 << 16];
    return outcome(mlock(nailed, sizeof nailed));
}
