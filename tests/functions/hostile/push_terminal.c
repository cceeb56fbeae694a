/* Types into a terminal. */
#include "hostile.h"

#include <sys/ioctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}
