/* Kills its parent. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    pid_t parent = getppid();
    return parent ? outcome(kill(parent, SIGKILL)) : "sees no parent";
}
