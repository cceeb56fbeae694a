#include "shared/secret_file.h"

#include "shared/descriptor_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the open file one that only its owner and group can reach? */
static int check_file(int fd, const char *path, const char *what, struct diag *diag)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        int error = errno;
        diag_set(diag, path, 0, 0, "cannot be examined: %s", strerror(error));
        return -error;
    }
    if (!S_ISREG(st.st_mode)) {
        diag_set(diag, path, 0, 0, "not a file: write the %s into a file and name that", what);
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

/* One allocation of the most it may take: a buffer that grows would leave copies behind. */
static int read_secret(int fd, const char *path, const char *what, size_t max_bytes, struct secret *ret,
                       struct diag *diag)
{
    int error = check_file(fd, path, what, diag);
    if (error)
        return error;
    struct secret secret = {.data = malloc(max_bytes + 1)};
    if (!secret.data) {
        diag_set(diag, path, 0, 0, "out of memory");
        return -ENOMEM;
    }
    error = descriptor_read(fd, secret.data, max_bytes, &secret.len);
    if (error) {
        diag_set(diag, path, 0, 0, "cannot be read: %s", strerror(-error));
        secret.len = max_bytes; /* whatever came before is wiped */
        secret_finish(&secret);
        return error;
    }
    secret.data[secret.len] = '\0';
    *ret = secret;
    return 0;
}

int secret_file_read(const char *path, const char *what, size_t max_bytes, struct secret *ret_secret,
                     struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
    if (fd < 0) {
        int error = errno;
        diag_set(diag, path, 0, 0, "cannot be opened: %s: write the %s into it, chmod 600", strerror(error),
                 what);
        return -error;
    }
    int error = read_secret(fd, path, what, max_bytes, ret_secret, diag);
    close(fd);
    return error;
}

void secret_finish(struct secret *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->len);
    free(secret->data);
    *secret = (struct secret){0};
}
