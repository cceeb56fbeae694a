/* Creates a symbolic link where everybody may. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(symlink("/etc/passwd", "/tmp/hark-attack-link"));
}
