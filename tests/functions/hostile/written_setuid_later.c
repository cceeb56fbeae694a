/* Makes a file, then a program of it that runs as the user of the functions. */
#include "hostile.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char *attack(const struct victims *v)
{
    if (open(granted(v, "write/setuid"), O_WRONLY | O_CREAT, 0755) < 0)
        return failed("open");
    return outcome(chmod(granted(v, "write/setuid"), 04755));
}
