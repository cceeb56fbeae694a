/* Sends datagrams, which need no connection. */
#include "hostile.h"

#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(socket(AF_UNIX, SOCK_DGRAM, 0));
}
