/* Kills another function's worker by a descriptor. */
#include "hostile.h"

#include <signal.h>

static const char *attack(const struct victims *v)
{
    int fd = (int)syscall(SYS_pidfd_open, v->sibling, 0);
    return fd < 0 ? failed("pidfd_open") : outcome(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
}
