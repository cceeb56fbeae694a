/* Kills another function's worker by its thread, the old way. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    return outcome(syscall(SYS_tkill, v->sibling, SIGKILL));
}
