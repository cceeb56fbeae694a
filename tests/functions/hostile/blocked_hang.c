/* Blocks every signal, and hangs. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    return spin();
}
