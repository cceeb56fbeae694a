#include "dispatcher/freeze.h"

#include "dispatcher/trust.h"
#include "shared/clock.h"
#include "shared/descriptor_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u /* Linux 6.3: can be mapped, never executed */
#endif

enum { COPY_BYTES = 64 * 1024, MEMFD_NAME_MAX = 249 /* memfd_create(2) */ };

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * (int64_t)NS_PER_S + t.tv_nsec;
}

/* A file system's times go in ticks of some milliseconds: two writes in one tick look like one. Only a file
 * that was left alone for longer than a tick shows by its times that it is as it was. */
static int64_t unsettled_ns(const struct stat *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = nanoseconds(now) - nanoseconds(s->st_ctim);
    int64_t settle = (int64_t)(FREEZE_SETTLE_MS * NS_PER_MS);
    return age >= 0 && age < settle ? settle - age : 0;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && nanoseconds(a->st_mtim) == nanoseconds(b->st_mtim) &&
           nanoseconds(a->st_ctim) == nanoseconds(b->st_ctim);
}

static int fail(struct diag *diag, int error, const char *doing)
{
    diag_set(diag, NULL, 0, 0, "%s: %s", doing, strerror(error));
    return -error;
}

static int changed(struct diag *diag)
{
    diag_set(diag, NULL, 0, 0, "it is being written: it will be read again");
    return -EAGAIN;
}

/* O_NONBLOCK: the open of a FIFO without a writer returns; O_NOCTTY: that of a terminal does no harm. */
static int open_regular(const char *path, size_t max_bytes, bool trusted, struct stat *ret_stat,
                        struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail(diag, errno, "cannot be read");
    int error = 0;
    if (fstat(fd, ret_stat) != 0) {
        error = fail(diag, errno, "cannot be read");
    } else if (!S_ISREG(ret_stat->st_mode)) {
        diag_set(diag, NULL, 0, 0,
                 S_ISDIR(ret_stat->st_mode) ? "is a folder: a file is needed" : "is not a regular file");
        error = -EINVAL;
    } else if ((uintmax_t)ret_stat->st_size > max_bytes) {
        diag_set(diag, NULL, 0, 0, "has %" PRIdMAX " bytes: at most %zu are allowed",
                 (intmax_t)ret_stat->st_size, max_bytes);
        error = -EFBIG;
    } else if (trusted) {
        error = trust_check_opened(path, ret_stat, diag);
    }
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

static int open_memory(const char *name)
{
    char shown[MEMFD_NAME_MAX + 1] = {0};
    strncpy(shown, name, MEMFD_NAME_MAX);
    int fd = memfd_create(shown, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(shown, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

/* Copies up to `len` bytes, the rest of the file or its growth is not looked at: the times tell of those. */
static int copy(int from, int to, size_t len)
{
    char *chunk = malloc(COPY_BYTES);
    int error = chunk ? 0 : -ENOMEM;
    while (error == 0 && len > 0) {
        ssize_t n = read(from, chunk, len < COPY_BYTES ? len : COPY_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            error = -errno;
        else if (n == 0)
            error = -EAGAIN; /* cut short meanwhile */
        else if ((error = descriptor_write(to, slice_make(chunk, (size_t)n))) == 0)
            len -= (size_t)n;
    }
    free(chunk);
    return error;
}

static int copy_unchanged(int file, int memory, const struct stat *before, struct diag *diag)
{
    struct stat after;
    int error = copy(file, memory, (size_t)before->st_size);
    if (error == -EAGAIN)
        return changed(diag);
    if (error < 0)
        return fail(diag, -error, "cannot be copied");
    if (fstat(file, &after) != 0)
        return fail(diag, errno, "cannot be read");
    return same(before, &after) && unsettled_ns(before) == 0 ? 0 : changed(diag);
}

static int seal_and_map(int memory, size_t len, struct frozen *ret_frozen, struct diag *diag)
{
    if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0 ||
        lseek(memory, 0, SEEK_SET) != 0)
        return fail(diag, errno, "cannot be sealed");
    const uint8_t *data = (const uint8_t *)"";
    if (len > 0) {
        void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, memory, 0);
        if (map == MAP_FAILED)
            return fail(diag, errno, "cannot be mapped");
        data = map;
    }
    *ret_frozen = (struct frozen){memory, data, len};
    return 0;
}

static int freeze_open(int file, const char *name, const struct stat *stat, struct frozen *ret_frozen,
                       struct diag *diag)
{
    int memory = open_memory(name);
    if (memory < 0)
        return fail(diag, errno, "cannot be copied to memory");
    int error = copy_unchanged(file, memory, stat, diag);
    if (error == 0)
        error = seal_and_map(memory, (size_t)stat->st_size, ret_frozen, diag);
    if (error < 0)
        close(memory);
    return error;
}

static int freeze(const char *path, const char *name, size_t max_bytes, bool trusted,
                  struct frozen *ret_frozen, struct diag *diag)
{
    struct stat stat = {0};
    int file = open_regular(path, max_bytes, trusted, &stat, diag);
    if (file < 0)
        return file;
    int64_t wait_ns = unsettled_ns(&stat);
    if (wait_ns > 0) {
        close(file);
        nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
        file = open_regular(path, max_bytes, trusted, &stat, diag);
        if (file < 0)
            return file;
    }
    int error = freeze_open(file, name, &stat, ret_frozen, diag);
    close(file);
    return error;
}

int freeze_file(const char *path, const char *name, size_t max_bytes, struct frozen *ret_frozen,
                struct diag *diag)
{
    return freeze(path, name, max_bytes, false, ret_frozen, diag);
}

int freeze_trusted_file(const char *path, const char *name, size_t max_bytes, struct frozen *ret_frozen,
                        struct diag *diag)
{
    int error = trust_check(path, diag);
    return error ? error : freeze(path, name, max_bytes, true, ret_frozen, diag);
}

int freeze_take_fd(struct frozen *f)
{
    int fd = f->fd;
    if (f->len > 0)
        munmap((void *)(uintptr_t)f->data, f->len);
    *f = (struct frozen){.fd = -1, .data = (const uint8_t *)""};
    return fd;
}

void freeze_finish(struct frozen *f)
{
    int fd = freeze_take_fd(f);
    if (fd >= 0)
        close(fd);
}
