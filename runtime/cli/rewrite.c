#include "cli/rewrite.h"

#include "cli/test_files.h"
#include "shared/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_still(const char *path, struct slice old)
{
    char *text;
    size_t len;
    int error = test_file_text(path, &text, &len);
    if (error < 0)
        return error;
    bool same = slice_equal(slice_make(text, len), old);
    free(text);
    return same ? 0 : -EBUSY;
}

static int write_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.data, text.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            text = slice_make(text.data + n, text.len - (size_t)n);
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

/* A name that begins with a dot: nobody takes it for a file of test cases. */
static char *name_beside(const char *path)
{
    char *name;
    const char *slash = strrchr(path, '/');
    CHECK(slash); /* as realpath(3) has it */
    CHECK(asprintf(&name, "%.*s.%s.XXXXXX", (int)(slash - path) + 1, path, slash + 1) >= 0);
    return name;
}

/* To give a file away is root's alone; then it is the writer's, as with any editor. */
static int dress(int fd, const struct stat *s)
{
    if (fchown(fd, s->st_uid, s->st_gid) != 0 && errno != EPERM)
        return -errno;
    return fchmod(fd, s->st_mode & 07777) == 0 ? 0 : -errno;
}

static int write_beside(const char *path, const struct stat *s, struct slice now)
{
    char *name = name_beside(path);
    int fd = mkostemp(name, O_CLOEXEC);
    int error = fd < 0 ? -errno : dress(fd, s);
    if (error == 0)
        error = write_all(fd, now);
    if (fd >= 0)
        close(fd);
    if (error == 0 && rename(name, path) != 0)
        error = -errno;
    if (error < 0 && fd >= 0)
        unlink(name);
    free(name);
    return error;
}

static int rewrite_real(const char *path, struct slice old, struct slice now)
{
    struct stat s;
    if (stat(path, &s) != 0 || access(path, W_OK) != 0)
        return -errno;
    if (!S_ISREG(s.st_mode))
        return -EINVAL;
    int error = is_still(path, old);
    return error < 0 ? error : write_beside(path, &s, now);
}

int rewrite_file(const char *path, struct slice old, struct slice now)
{
    char *real = realpath(path, NULL);
    int error = real ? rewrite_real(real, old, now) : -errno;
    free(real);
    return error;
}
