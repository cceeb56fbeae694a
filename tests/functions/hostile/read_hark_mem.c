/* Opens hark's memory. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(text("/proc/%d/mem", v->hark), O_RDONLY));
}
