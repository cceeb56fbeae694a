/* Runs a program in the folder that it was granted. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(execl(granted(v, "read/program"), "program", (char *)NULL));
}
