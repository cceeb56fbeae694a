/* Looks for a power that the seal forgot, however it was sealed: no capability, no way to gain one, a filter,
 * nobody who may look into it, and an end when the zygote ends. */
#include "hostile.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>

static bool has_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, sets) < 0)
        return true;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (sets[i].effective || sets[i].permitted || sets[i].inheritable)
            return true;
    return false;
}

static const char *attack(const struct victims *v)
{
    (void)v;
    int signal_at_death = 0;
    prctl(PR_GET_PDEATHSIG, &signal_at_death);
    return has_capabilities()                            ? "capabilities"
           : prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ? "new privileges"
           : prctl(PR_GET_SECCOMP) != 2 /* a filter's */ ? "no filter"
           : prctl(PR_GET_DUMPABLE) != 0                 ? "dumpable"
           : signal_at_death != SIGKILL                  ? "outlives the zygote"
                                                         : "none";
}
