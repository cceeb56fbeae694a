/* Stretches a file beyond the largest size. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    int fd = open(granted(v, "write/stretched"), O_WRONLY | O_CREAT, 0644);
    if (fd < 0)
        return failed("open");
    return outcome(ftruncate(fd, LARGEST + 1));
}
