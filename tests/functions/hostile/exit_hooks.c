/* Ends by exit(3): what was registered for the end runs. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    exit(0);
}
