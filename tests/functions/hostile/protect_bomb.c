/* Maps memory that may not be written to, which is free, and then asks for the right to write. */
#include "hostile.h"

#include <sys/mman.h>

enum { BYTES = 1 << 30 };

static const char *attack(const struct victims *v)
{
    (void)v;
    void *block = mmap(NULL, BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED)
        return failed("mmap");
    return outcome(mprotect(block, BYTES, PROT_READ | PROT_WRITE));
}
