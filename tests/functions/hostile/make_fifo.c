/* Creates a pipe where everybody may. */
#include "hostile.h"

#include <sys/stat.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(mknod("/tmp/hark-attack-fifo", S_IFIFO | 0600, 0));
}
