/* Makes a program that runs as the user of the functions. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(granted(v, "write/setuid"), O_WRONLY | O_CREAT, 04755));
}
