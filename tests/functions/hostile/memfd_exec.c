/* Writes code to a file in memory and maps it. */
#include "hostile.h"

#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    int fd = memfd_create("code", 0);
    if (fd < 0)
        return failed("memfd_create");
    if (write(fd, "\xc3", 1) < 0)
        return failed("write");
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? outcome(-1) : "did it";
}
