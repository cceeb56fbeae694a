/* Writes where nothing is. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    *(volatile int *)NULL = 1;
    return "did it";
}
