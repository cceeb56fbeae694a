/* Opens a file that nobody but root may read. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/etc/shadow", O_RDONLY));
}
