/* Maps memory that can be written to and executed. */
#include "hostile.h"

#include <sys/mman.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                   MAP_FAILED
               ? outcome(-1)
               : "did it";
}
