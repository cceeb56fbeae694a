/* Writes where nothing is. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    volatile int *volatile nowhere = NULL; /* or the compiler sees it coming */
    *nowhere = 1;
    return "did it";
}
