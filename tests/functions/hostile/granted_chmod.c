/* Lets everybody write to a file that it was granted to read. */
#include "hostile.h"

#include <sys/stat.h>

static const char *attack(const struct victims *v)
{
    return outcome(chmod(granted(v, "read/table"), 0666));
}
