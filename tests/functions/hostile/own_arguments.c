/* Looks at its arguments and its environment: what hark knows when it starts must not be handed down. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return environ && environ[0] ? environ[0] : "nothing";
}
