/* Opens its own memory for writing: the way round what may not be written. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/proc/self/mem", O_RDWR));
}
