/* Takes memory from the heap until there is no more, and writes to all of it. */
#include "hostile.h"

enum { BLOCK_BYTES = 1 << 20, BLOCKS = 1024 };

static const char *attack(const struct victims *v)
{
    (void)v;
    for (int i = 0; i < BLOCKS; i++) {
        void *block = malloc(BLOCK_BYTES);
        if (!block)
            return outcome(-1);
        memset(block, 1, BLOCK_BYTES);
    }
    return "did it";
}
