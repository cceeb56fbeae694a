/* Makes a file in a folder where everybody may. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/tmp/hark-attack-tmp", O_WRONLY | O_CREAT, 0644));
}
