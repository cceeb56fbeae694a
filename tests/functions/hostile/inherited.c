/* Looks for descriptors that nobody meant to leave to it. */
#include "hostile.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char *kind(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return strerrorname_np(errno);
    return S_ISCHR(st.st_mode)    ? "device"
           : S_ISFIFO(st.st_mode) ? "pipe"
           : S_ISSOCK(st.st_mode) ? "socket"
           : S_ISDIR(st.st_mode)  ? "folder"
                                  : "file";
}

static const char *attack(const struct victims *v)
{
    (void)v;
    static char found[256];
    size_t len = 0;
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && len < sizeof found - 32)
            len +=
                (size_t)snprintf(found + len, sizeof found - len, "%s%d %s", len ? ", " : "", fd, kind(fd));
    return found;
}
