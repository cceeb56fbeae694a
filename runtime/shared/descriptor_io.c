#include "shared/descriptor_io.h"

#include <errno.h>
#include <unistd.h>

int descriptor_write(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t written = write(fd, bytes.data, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        bytes = slice_make(bytes.data + written, bytes.len - (size_t)written);
    }
    return 0;
}

int descriptor_read(int fd, char *to, size_t size, size_t *ret_len)
{
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(fd, to + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_len = len;
    return 0;
}
