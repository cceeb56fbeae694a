/* Opens a file that everybody may read. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/etc/passwd", O_RDONLY));
}
