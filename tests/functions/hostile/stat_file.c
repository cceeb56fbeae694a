/* Asks whether a file exists. */
#include "hostile.h"

#include <sys/stat.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(stat("/etc/passwd", &(struct stat){0}));
}
