/* Writes to every descriptor there is. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    char noise[512];
    memset(noise, 0xff, sizeof noise);
    for (int fd = 0; fd < 64; fd++) {
        ssize_t ignored = write(fd, noise, sizeof noise);
        (void)ignored;
    }
    return "did it";
}
