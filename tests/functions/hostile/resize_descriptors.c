/* Makes the files behind its descriptors larger: the handler's, the recorder's. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    for (int fd = 0; fd < 64; fd++)
        if (ftruncate(fd, 1 << 30) == 0)
            return text("did it to %d", fd);
    return "none";
}
