/* Writes to a file that it was granted to read. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(granted(v, "read/table"), O_WRONLY));
}
