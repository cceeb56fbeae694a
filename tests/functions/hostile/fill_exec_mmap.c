/* Maps memory that can be executed, makes it writable to fill it, and then executable again. */
#include "hostile.h"

#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return failed("mmap");
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) < 0)
        return failed("write");
    memset(page, 0xc3, 4096);
    return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
