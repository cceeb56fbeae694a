/* Calls out by TCP, version 6. */
#include "hostile.h"

#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(socket(AF_INET6, SOCK_STREAM, 0));
}
