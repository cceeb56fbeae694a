/* Maps a file that it was granted as code. */
#include "hostile.h"

#include <fcntl.h>
#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    int fd = open(granted(v, "read/program"), O_RDONLY);
    if (fd < 0)
        return failed("open");
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    return outcome(code == MAP_FAILED ? -1 : 0);
}
