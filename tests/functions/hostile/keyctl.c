/* Joins the keyring of its session. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_keyctl, 0, -3, 0));
}
