/* Mounts a file system. */
#include "hostile.h"

#include <sys/mount.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(mount("proc", "/", "proc", 0, NULL));
}
