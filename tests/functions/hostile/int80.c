/* Makes a system call of 32 bits, whose numbers are others. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    long got;
    __asm__ volatile("int $0x80" : "=a"(got) : "a"(20 /* getpid */) : "memory");
    return got < 0 ? strerrorname_np((int)-got) : "did it";
}
