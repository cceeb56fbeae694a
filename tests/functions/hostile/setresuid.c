/* Becomes root, and keeps a way back. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setresuid(0, 0, 0));
}
