/* Traces another function's worker. */
#include "hostile.h"

#include <sys/ptrace.h>

static const char *attack(const struct victims *v)
{
    return outcome(ptrace(PTRACE_SEIZE, v->sibling, NULL, NULL));
}
