/* Joins its channel with its log. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(splice(3, NULL, STDOUT_FILENO, NULL, 1, SPLICE_F_NONBLOCK));
}
