/* Lists the root folder. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/", O_RDONLY | O_DIRECTORY));
}
