/* Takes hold of a folder without opening it. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/", O_PATH));
}
