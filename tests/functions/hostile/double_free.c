/* Breaks its heap. */
#include "hostile.h"

enum { TIMES = 16 };

static const char *attack(const struct victims *v)
{
    (void)v;
    void *volatile block = malloc(64), *volatile other = malloc(64);
    free(block);
    free(other);
    for (int i = 0; i < TIMES; i++)
        free(block);
    return "did it";
}
