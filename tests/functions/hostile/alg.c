/* Has the kernel compute. */
#include "hostile.h"

#include <sys/socket.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(socket(AF_ALG, SOCK_SEQPACKET, 0));
}
