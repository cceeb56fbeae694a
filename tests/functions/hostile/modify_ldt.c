/* Changes the table of its segments. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_modify_ldt, 0, NULL, 0));
}
