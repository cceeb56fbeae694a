/* Kills the zygote. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    return outcome(kill(v->zygote, SIGKILL));
}
