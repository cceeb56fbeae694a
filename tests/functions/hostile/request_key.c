/* Asks the kernel for a key. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_request_key, "user", "hark-attack", NULL, -2));
}
