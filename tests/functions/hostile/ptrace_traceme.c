/* Lets its parent trace it. */
#include "hostile.h"

#include <sys/ptrace.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}
