/* Looks for anybody whom it may signal, among the first processes that it can name. Signal 0 asks for the
 * right alone, and spares the machine. */
#include "hostile.h"

#include <signal.h>

enum { NEIGHBOURS = 1000 };

static const char *attack(const struct victims *v)
{
    (void)v;
    for (pid_t pid = 1; pid <= NEIGHBOURS; pid++)
        if (pid != getpid() && kill(pid, 0) == 0)
            return text("reaches %d", pid);
    return outcome(-1);
}
