/* Follows a link out of the folder that it was granted. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(granted(v, "read/link"), O_RDONLY));
}
