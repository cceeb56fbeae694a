/* Calls the hypervisor. */
#include "hostile.h"

#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(socket(AF_VSOCK, SOCK_STREAM, 0));
}
