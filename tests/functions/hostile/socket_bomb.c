/* Fills sockets: memory of the kernel. */
#include "hostile.h"

#include <sys/socket.h>

enum { PAIRS = 1024 };

static const char *attack(const struct victims *v)
{
    (void)v;
    static char full[1 << 16];
    for (int i = 0; i < PAIRS; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
            return outcome(-1);
        while (write(ends[1], full, sizeof full) > 0)
            ;
    }
    return "did it";
}
