/* Opens files as root. */
#include "hostile.h"

#include <sys/fsuid.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setfsuid(0) == 0 ? 0 : (errno = EPERM, -1));
}
