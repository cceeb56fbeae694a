/* Makes a folder beside those that it was granted. */
#include "hostile.h"

#include <sys/stat.h>

static const char *attack(const struct victims *v)
{
    return outcome(mkdir(granted(v, "hark"), 0755));
}
