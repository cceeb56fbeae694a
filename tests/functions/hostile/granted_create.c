/* Makes a file in a folder that it was granted to read. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(granted(v, "read/new"), O_WRONLY | O_CREAT, 0644));
}
