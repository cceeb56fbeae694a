/* Makes a fifo. */
#include "hostile.h"

#include <sys/stat.h>

static const char *attack(const struct victims *v)
{
    return outcome(mkfifo(granted(v, "write/fifo"), 0666));
}
