/* Opens another function's code for writing. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(in_folder(v, "sibling.so"), O_WRONLY));
}
