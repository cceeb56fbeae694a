/* Compares its descriptors with hark's. */
#include "hostile.h"

#include <linux/kcmp.h>

static const char *attack(const struct victims *v)
{
    return outcome(syscall(SYS_kcmp, getpid(), v->hark, KCMP_FILES, 0, 0));
}
