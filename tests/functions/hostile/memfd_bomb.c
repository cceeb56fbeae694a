/* Writes files that lie in memory and belong to nobody. */
#include "hostile.h"

#include <sys/mman.h>

enum { BLOCKS = 1024 };

static const char *attack(const struct victims *v)
{
    (void)v;
    static char full[1 << 20];
    int fd = memfd_create("bomb", 0);
    if (fd < 0)
        return failed("memfd_create");
    for (int i = 0; i < BLOCKS; i++)
        if (write(fd, full, sizeof full) < 0)
            return failed("write");
    return "did it";
}
