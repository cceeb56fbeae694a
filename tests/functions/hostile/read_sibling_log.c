/* Opens the log pipe of another function's worker, for reading. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(text("/proc/%d/fd/1", v->sibling), O_RDONLY));
}
