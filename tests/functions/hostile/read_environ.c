/* Opens hark's environment, where a password may be. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(text("/proc/%d/environ", v->hark), O_RDONLY));
}
