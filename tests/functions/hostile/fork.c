/* Has a child that stays. */
#include "hostile.h"

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
    pid_t pid = fork();
    if (pid == 0)
        linger();
    return outcome(pid);
}
