/* Listens to the wire. */
#include "hostile.h"

#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(socket(AF_PACKET, SOCK_RAW, 0));
}
