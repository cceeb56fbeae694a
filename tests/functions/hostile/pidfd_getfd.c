/* Takes hark's descriptors: its connection to the broker is among them. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    int fd = (int)syscall(SYS_pidfd_open, v->hark, 0);
    return fd < 0 ? failed("pidfd_open") : outcome(syscall(SYS_pidfd_getfd, fd, 5, 0));
}
