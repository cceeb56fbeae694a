/* Makes a device by the way in which layered file systems remove files. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    char to[512];
    snprintf(to, sizeof to, "%s", granted(v, "write/moved"));
    return outcome(syscall(SYS_renameat2, AT_FDCWD, granted(v, "write/counter"), AT_FDCWD, to, 4));
}
