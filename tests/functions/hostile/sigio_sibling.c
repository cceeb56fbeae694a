/* Has the kernel kill another function's worker as soon as its own channel can be read. */
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>

static const char *attack(const struct victims *v)
{
    if (fcntl(3, F_SETOWN, v->sibling) < 0)
        return failed("F_SETOWN");
    if (fcntl(3, F_SETSIG, SIGKILL) < 0)
        return failed("F_SETSIG");
    return outcome(fcntl(3, F_SETFL, O_ASYNC));
}
