/* The same, and does not listen when it is told. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    if (signal(SIGXCPU, SIG_IGN) == SIG_ERR)
        return outcome(-1);
    return spin();
}
