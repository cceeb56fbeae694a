/* Opens a file by way of the folders above its own. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(openat(AT_FDCWD, "../../../../../../../../etc/passwd", O_RDONLY));
}
