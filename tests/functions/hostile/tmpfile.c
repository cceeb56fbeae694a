/* Creates a file without a name where everybody may. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(open("/tmp", O_WRONLY | O_TMPFILE, 0600));
}
