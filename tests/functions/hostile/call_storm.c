/* Keeps the kernel busy. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    while (getppid() >= 0)
        ;
    return "did it";
}
