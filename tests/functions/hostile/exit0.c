/* Ends as if all were well, in the middle of a call. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    _exit(0);
}
