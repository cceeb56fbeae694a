/* Creates a folder where everybody may. */
#include "hostile.h"

#include <sys/stat.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(mkdir("/tmp/hark-attack-folder", 0700));
}
