/* Connects by the protocol that takes several ways at once. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(socket(AF_INET, SOCK_STREAM, 262));
}
