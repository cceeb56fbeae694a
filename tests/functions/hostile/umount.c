/* Unmounts the root. */
#include "hostile.h"

#include <sys/mount.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(umount2("/", MNT_DETACH));
}
