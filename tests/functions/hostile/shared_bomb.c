/* Takes shared memory, which no limit on private memory counts. */
#include "hostile.h"

#include <sys/mman.h>

enum { BLOCK_BYTES = 1 << 20, BLOCKS = 1024 };

static const char *attack(const struct victims *v)
{
    (void)v;
    for (int i = 0; i < BLOCKS; i++) {
        void *block = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED)
            return outcome(-1);
        memset(block, 1, BLOCK_BYTES);
    }
    return "did it";
}
