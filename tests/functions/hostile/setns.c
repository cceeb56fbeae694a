/* Enters the namespaces that its descriptors may show. */
#include "hostile.h"

#include <sched.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(setns(3, 0));
}
