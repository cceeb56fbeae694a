/* Lists the folder above the one that it was granted. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(granted(v, "."), O_RDONLY | O_DIRECTORY));
}
