/* Has a child in a user namespace of its own, where it would have every capability. */
#include "hostile.h"

#include <sched.h>
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
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        linger();
    return outcome(pid);
}
