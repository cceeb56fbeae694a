/* Moves the end of the heap. */
#include "hostile.h"

enum { BYTES = 1 << 30 };

static const char *attack(const struct victims *v)
{
    (void)v;
    return sbrk(BYTES) == (void *)-1 ? outcome(-1) : "did it";
}
