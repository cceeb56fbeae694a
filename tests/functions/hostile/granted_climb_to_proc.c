/* Climbs out of the folder that it was granted, to the environment of process 1. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(granted(v, "read/../../../proc/1/environ"), O_RDONLY));
}
