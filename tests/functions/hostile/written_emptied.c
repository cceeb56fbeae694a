/* Empties a file that it may only read, by opening it to read. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(granted(v, "read/table"), O_RDONLY | O_TRUNC));
}
