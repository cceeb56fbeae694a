/* Closes every descriptor there is, and stays. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    for (int fd = 0; fd < 64; fd++)
        close(fd);
    return spin();
}
