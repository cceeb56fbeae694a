/* Password files: the only input that hark.yaml's reader opens itself. */
#include "manifest/node_config.h"
#include "shared/secret_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES_MAX = 1024 };

/* The first line's length; the line end is LF, CR LF, or the end of the file. */
static size_t first_line(const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    size_t line = end ? (size_t)(end - data) : len;
    return line > 0 && data[line - 1] == '\r' ? line - 1 : line;
}

static int take_line(const char *path, const struct secret *secret, char **ret_secret, struct diag *diag)
{
    size_t line = first_line(secret->data, secret->len);

    if (line == 0) {
        diag_set(diag, path, 1, 1, "the first line is empty: write the password there");
        return -EINVAL;
    }
    if (line > SECRET_BYTES_MAX) {
        diag_set(diag, path, 1, 1, "the first line is longer than %d bytes: is it the right file?",
                 SECRET_BYTES_MAX);
        return -EMSGSIZE;
    }
    if (memchr(secret->data, '\0', line)) {
        diag_set(diag, path, 1, 1, "a NUL byte in the first line: write the password as text");
        return -EINVAL;
    }
    char *copy = strndup(secret->data, line);
    if (!copy) {
        diag_set(diag, path, 0, 0, "out of memory");
        return -ENOMEM;
    }
    *ret_secret = copy;
    return 0;
}

int node_config_read_secret(const char *path, char **ret_secret, struct diag *diag)
{
    struct secret secret;
    /* A few bytes more, so that a line too long is seen as one. */
    int error = secret_file_read(path, "password", SECRET_BYTES_MAX + 3, &secret, diag);
    if (error)
        return error;
    error = take_line(path, &secret, ret_secret, diag);
    secret_finish(&secret);
    return error;
}
