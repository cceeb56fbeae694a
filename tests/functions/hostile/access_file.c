/* Asks whether it may read a file. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(access("/etc/passwd", R_OK));
}
