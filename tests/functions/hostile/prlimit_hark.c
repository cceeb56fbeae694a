/* Takes hark's descriptors away by a limit. */
#include "hostile.h"

#include <sys/resource.h>

static const char *attack(const struct victims *v)
{
    return outcome(prlimit(v->hark, RLIMIT_NOFILE, &(struct rlimit){3, 3}, NULL));
}
