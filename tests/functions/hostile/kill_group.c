/* Kills its process group: zygote and workers alike. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(kill(0, SIGKILL));
}
