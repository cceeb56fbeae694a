/* Lets one mapping grow. */
#include "hostile.h"

#include <sys/mman.h>

enum { BYTES = 1 << 30 };

static const char *attack(const struct victims *v)
{
    (void)v;
    void *block = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return failed("mmap");
    return mremap(block, 4096, BYTES, MREMAP_MAYMOVE) == MAP_FAILED ? outcome(-1) : "did it";
}
