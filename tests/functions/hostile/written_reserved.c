/* Takes room on the disk beyond the largest size of a file. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    int fd = open(granted(v, "write/reserved"), O_WRONLY | O_CREAT, 0644);
    if (fd < 0)
        return failed("open");
    return outcome(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * LARGEST));
}
