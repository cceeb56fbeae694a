/* Steps out of the folder that it was granted, from inside. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    if (chdir(granted(v, "read")) < 0)
        return failed("chdir");
    return outcome(open("../beside", O_RDONLY));
}
