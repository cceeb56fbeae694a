/* Stops itself: a stopped process ends by nothing but SIGKILL. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return raise(SIGSTOP) ? outcome(-1) : spin();
}
