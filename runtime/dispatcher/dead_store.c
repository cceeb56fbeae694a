#include "dispatcher/dead_store.h"

#include "shared/descriptor_io.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_NAME_MAX = DEAD_NAME_MAX + 1, NUMBERS = 0x10000, FSYNCS_MAX = 4 };

/* ---- names ---- */

static void file_name(const struct dead_name *name, char text[FILE_NAME_MAX])
{
    snprintf(text, FILE_NAME_MAX, "%s.%s", name->id, name->function);
}

static bool is_id(const char *text)
{
    for (int i = 0; i < DEAD_ID_LEN; i++) {
        bool good = i == DEAD_ID_LEN - 5 ? text[i] == '-' : isxdigit((unsigned char)text[i]) != 0;
        if (!good)
            return false;
    }
    return true;
}

static bool parse_name(const char *file, struct dead_name *ret_name)
{
    size_t len = strlen(file);
    if (len <= DEAD_ID_LEN + 1 || len > DEAD_NAME_MAX || !is_id(file) || file[DEAD_ID_LEN] != '.')
        return false;
    memcpy(ret_name->id, file, DEAD_ID_LEN);
    ret_name->id[DEAD_ID_LEN] = '\0';
    strcpy(ret_name->function, file + DEAD_ID_LEN + 1);
    return true;
}

/* ---- writing ---- */

static void temporary_name(unsigned slot, char text[FILE_NAME_MAX])
{
    snprintf(text, FILE_NAME_MAX, ".new-%u", slot);
}

int dead_store_begin(int folder, unsigned slot, struct slice file)
{
    char name[FILE_NAME_MAX];
    temporary_name(slot, name);
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int error = descriptor_write(fd, file);
    if (error == 0)
        return fd;
    close(fd);
    unlinkat(folder, name, 0);
    return error;
}

/* The clock may have been set back: a name that is taken is not taken again. */
static int give_name(int folder, const char *temporary, struct dead_name *name, int64_t time_ms)
{
    char file[FILE_NAME_MAX];
    for (unsigned number = 0; number < NUMBERS; number++) {
        snprintf(name->id, sizeof name->id, "%011llx-%04x", (unsigned long long)time_ms & 0xfffffffffff,
                 number);
        file_name(name, file);
        if (renameat2(folder, temporary, folder, file, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

int dead_store_flush(int folder, const int *fds, size_t count)
{
    if (count > FSYNCS_MAX)
        return syncfs(folder) == 0 ? 0 : -errno;
    for (size_t i = 0; i < count; i++) {
        if (fsync(fds[i]) != 0)
            return -errno;
    }
    return 0;
}

int dead_store_finish(int folder, unsigned slot, int fd, const char *function, int64_t time_ms,
                      char ret_id[DEAD_ID_LEN + 1])
{
    struct dead_name name;
    char temporary[FILE_NAME_MAX];
    temporary_name(slot, temporary);
    snprintf(name.function, sizeof name.function, "%s", function);
    int error = close(fd) == 0 ? 0 : -errno;
    if (error == 0)
        error = give_name(folder, temporary, &name, time_ms);
    if (error)
        unlinkat(folder, temporary, 0);
    else
        memcpy(ret_id, name.id, sizeof name.id);
    return error;
}

int dead_store_sync(int folder)
{
    return fsync(folder) == 0 ? 0 : -errno;
}

int dead_store_remove(int folder, const struct dead_name *name)
{
    char file[FILE_NAME_MAX];
    file_name(name, file);
    return unlinkat(folder, file, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

/* ---- the folder ---- */

static DIR *open_again(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !dir)
        close(fd);
    return dir;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct dead_name *)a)->id, ((const struct dead_name *)b)->id);
}

static int add_name(struct dead_name **names, size_t *count, size_t *room, const struct dead_name *name)
{
    if (*count == *room) {
        size_t more = *room ? *room * 2 : 64;
        struct dead_name *grown = realloc(*names, more * sizeof **names);
        if (!grown)
            return -ENOMEM;
        *names = grown;
        *room = more;
    }
    (*names)[(*count)++] = *name;
    return 0;
}

int dead_store_list(int folder, const char *function, struct dead_name **ret_names, size_t *ret_count)
{
    struct dead_name name, *names = NULL;
    size_t count = 0, room = 0;
    int error = 0;
    DIR *dir = open_again(folder);
    if (!dir)
        return -errno;
    for (struct dirent *e; error == 0 && (e = readdir(dir));) {
        if (parse_name(e->d_name, &name) && (!function || strcmp(name.function, function) == 0))
            error = add_name(&names, &count, &room, &name);
    }
    closedir(dir);
    if (error) {
        free(names);
        return error;
    }
    if (count)
        qsort(names, count, sizeof *names, by_id);
    *ret_names = names;
    *ret_count = count;
    return 0;
}

int dead_store_usage(int folder, uint64_t *ret_count, uint64_t *ret_bytes)
{
    struct dead_name name;
    struct stat status;
    DIR *dir = open_again(folder);
    if (!dir)
        return -errno;
    *ret_count = *ret_bytes = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (!parse_name(e->d_name, &name) || fstatat(folder, e->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        *ret_count += 1;
        *ret_bytes += (uint64_t)status.st_size;
    }
    closedir(dir);
    return 0;
}
