/* Stores a key in the kernel. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_add_key, "user", "hark-attack", "x", 1, -2));
}
