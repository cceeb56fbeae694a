/* Credential files: the only input that hark.yaml's reader opens itself. */
#include "manifest/node_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 1024 };

/* Is the open file one that only its owner and group can reach? */
static int check_file(int fd, const char *path, struct diag *diag)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        int error = errno;
        diag_set(diag, path, 0, 0, "cannot be examined: %s", strerror(error));
        return -error;
    }
    if (!S_ISREG(st.st_mode)) {
        diag_set(diag, path, 0, 0, "not a file: write the password into a file and name that");
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    }
    if (st.st_mode & S_IRWXO) {
        diag_set(diag, path, 0, 0,
                 "everybody on this machine has access to it (mode %04o): run chmod 600 on it",
                 (unsigned)(st.st_mode & 07777));
        return -EACCES;
    }
    return 0;
}

static int read_all(int fd, const char *path, char *buffer, size_t size, size_t *ret_len, struct diag *diag)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, buffer + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int error = errno;
            diag_set(diag, path, 0, 0, "cannot be read: %s", strerror(error));
            return -error;
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

/* The first line's length; the line end is LF, CR LF, or the end of the file. */
static size_t first_line(const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    size_t line = end ? (size_t)(end - data) : len;
    return line > 0 && data[line - 1] == '\r' ? line - 1 : line;
}

static int take_line(const char *path, const char *data, size_t len, char **ret_secret, struct diag *diag)
{
    size_t line = first_line(data, len);

    if (line == 0) {
        diag_set(diag, path, 1, 1, "the first line is empty: write the password there");
        return -EINVAL;
    }
    if (line > SECRET_BYTES_MAX) {
        diag_set(diag, path, 1, 1, "the first line is longer than %d bytes: is it the right file?",
                 SECRET_BYTES_MAX);
        return -EMSGSIZE;
    }
    if (memchr(data, '\0', line)) {
        diag_set(diag, path, 1, 1, "a NUL byte in the first line: write the password as text");
        return -EINVAL;
    }
    char *secret = strndup(data, line);
    if (!secret) {
        diag_set(diag, path, 0, 0, "out of memory");
        return -ENOMEM;
    }
    *ret_secret = secret;
    return 0;
}

static int read_secret(int fd, const char *path, char **ret_secret, struct diag *diag)
{
    char data[SECRET_BYTES_MAX + 3]; /* a line too long is seen as one */
    size_t len = 0;

    int r = check_file(fd, path, diag);
    if (r == 0)
        r = read_all(fd, path, data, sizeof data, &len, diag);
    if (r == 0)
        r = take_line(path, data, len, ret_secret, diag);
    explicit_bzero(data, sizeof data);
    return r;
}

int node_config_read_secret(const char *path, char **ret_secret, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
    if (fd < 0) {
        int error = errno;
        diag_set(diag, path, 0, 0, "cannot be opened: %s: write the password into it, chmod 600",
                 strerror(error));
        return -error;
    }
    int r = read_secret(fd, path, ret_secret, diag);
    close(fd);
    return r;
}
