/* Would kill everybody whom it may: signal 0 asks no less, and spares the machine. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(kill(-1, 0));
}
