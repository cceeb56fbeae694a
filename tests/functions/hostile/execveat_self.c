/* Becomes what its own handler's descriptor shows. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    char *const nothing[] = {NULL};
    for (int fd = 3; fd < 64; fd++)
        syscall(SYS_execveat, fd, "", nothing, nothing, 0x1000 /* AT_EMPTY_PATH */);
    return outcome(-1);
}
