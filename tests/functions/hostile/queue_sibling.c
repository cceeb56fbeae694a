/* Kills another function's worker by a queued signal. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    siginfo_t info = {.si_signo = SIGKILL, .si_code = SI_QUEUE};
    return outcome(syscall(SYS_rt_sigqueueinfo, v->sibling, SIGKILL, &info));
}
