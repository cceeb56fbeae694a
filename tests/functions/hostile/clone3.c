/* Has a child that stays, by clone3(2), whose arguments no filter can look at. */
#include "hostile.h"

#include <linux/sched.h>
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
    struct clone_args args = {.exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        linger();
    return outcome(pid);
}
