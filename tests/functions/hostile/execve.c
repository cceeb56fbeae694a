/* Becomes another program. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    char *const nothing[] = {NULL};
    return outcome(execve("/bin/true", (char *[]){"true", NULL}, nothing));
}
