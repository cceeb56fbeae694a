/* Writes code to a file and maps it. */
#include "hostile.h"

#include <fcntl.h>
#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    int fd = open(granted(v, "write/code"), O_RDWR | O_CREAT, 0755);
    if (fd < 0 || write(fd, "\xc3", 1) < 0)
        return failed("write");
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    return outcome(code == MAP_FAILED ? -1 : 0);
}
