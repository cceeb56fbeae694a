/* Writes beyond the largest size of a file. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    int fd = open(granted(v, "write/large"), O_WRONLY | O_CREAT, 0644);
    if (fd < 0)
        return failed("open");
    if (pwrite(fd, "x", 1, LARGEST - 1) != 1)
        return failed("the last byte");
    return outcome(pwrite(fd, "x", 1, LARGEST));
}
