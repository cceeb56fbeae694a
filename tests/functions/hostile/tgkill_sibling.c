/* Kills another function's worker by its thread. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    return outcome(syscall(SYS_tgkill, v->sibling, v->sibling, SIGKILL));
}
