/* Exchanges a file with one that it may only read. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    char to[512];
    snprintf(to, sizeof to, "%s", granted(v, "read/table"));
    return outcome(syscall(SYS_renameat2, AT_FDCWD, granted(v, "write/counter"), AT_FDCWD, to, 2));
}
