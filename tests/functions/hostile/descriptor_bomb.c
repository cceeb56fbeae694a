/* Opens descriptors until there are no more. */
#include "hostile.h"

enum { DESCRIPTORS = 4096 };

static const char *attack(const struct victims *v)
{
    (void)v;
    for (int i = 0; i < DESCRIPTORS; i++)
        if (dup(STDERR_FILENO) < 0)
            return outcome(-1);
    return "did it";
}
