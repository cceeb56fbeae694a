/* Opens its log pipe again, for reading. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/proc/self/fd/1", O_RDONLY));
}
