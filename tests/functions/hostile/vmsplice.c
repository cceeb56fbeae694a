/* Puts its pages into a pipe. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(vmsplice(STDOUT_FILENO, NULL, 0, 0));
}
