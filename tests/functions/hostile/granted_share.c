/* Shares memory by a file that it was granted. */
#include "hostile.h"

#include <fcntl.h>
#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    int fd = open(granted(v, "read/table"), O_RDONLY);
    if (fd < 0)
        return failed("open");
    return outcome(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
}
