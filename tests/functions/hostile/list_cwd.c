/* Lists the folder that it is in. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    char names[4096];
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    return fd < 0 ? failed("open") : outcome(syscall(SYS_getdents64, fd, names, sizeof names));
}
