/* Nails all of its memory down. */
#include "hostile.h"

#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(mlockall(MCL_CURRENT | MCL_FUTURE));
}
