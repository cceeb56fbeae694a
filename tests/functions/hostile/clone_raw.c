/* Has a child that stays, by the bare system call. */
#include "hostile.h"

#include <signal.h>

/* Long enough to be found, not longer. */
static void linger(void)
{
    alarm(30);
    for (;;)
        pause();
}

static const char *attack(const struct victims *v)
{
    (void)v;
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        linger();
    return outcome(pid);
}
