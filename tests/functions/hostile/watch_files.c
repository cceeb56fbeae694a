/* Watches what others do to files. */
#include "hostile.h"

#include <sys/inotify.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(inotify_init1(0));
}
