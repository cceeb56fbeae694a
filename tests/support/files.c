#include "support/files.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void folder_remove(void *thing)
{
    char *path = thing;
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

const char *folder_create(void)
{
    char *path = must_strdup("/tmp/hark-test-XXXXXX");
    CHECK(mkdtemp(path) && chmod(path, 0755) == 0);
    at_end_of_test(folder_remove, path);
    return path;
}

static void forget_temporary_folder(void *unused)
{
    (void)unused;
    unsetenv("TMPDIR");
}

void temporary_folder_create(void)
{
    CHECK(setenv("TMPDIR", folder_create(), 1) == 0);
    at_end_of_test(forget_temporary_folder, NULL);
}

const char *path_in(const char *folder, const char *name)
{
    char *path = NULL;
    CHECK(asprintf(&path, "%s/%s", folder, name) > 0);
    at_end_of_test(free, path);
    return path;
}

char *file_read(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    if (!f)
        fail_msg("%s: cannot be read", path);
    struct stat st;
    CHECK(fstat(fileno(f), &st) == 0);
    char *data = must_alloc((size_t)st.st_size + 1);
    *ret_len = fread(data, 1, (size_t)st.st_size, f);
    data[*ret_len] = '\0';
    fclose(f);
    return data;
}

static void write_part(const char *path, int flags, const char *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0755);
    if (fd < 0)
        fail_msg("%s: cannot be written", path);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, data + done, len - done);
        CHECK(n > 0);
        done += (size_t)n;
    }
    close(fd);
}

void file_write(const char *path, const void *data, size_t len)
{
    write_part(path, O_CREAT | O_TRUNC, data, len);
}

void file_print(const char *path, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    CHECK(len >= 0);
    file_write(path, text, (size_t)len);
    free(text);
}

void file_copy(const char *from, const char *to)
{
    size_t len;
    char *data = file_read(from, &len);
    file_write(to, data, len);
    free(data);
}

void file_replace(const char *from, const char *to)
{
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.new", to);
    file_copy(from, beside);
    assert_int_equal(rename(beside, to), 0);
}

void file_copy_first_half(const char *from, const char *to)
{
    size_t len;
    char *data = file_read(from, &len);
    write_part(to, O_CREAT | O_TRUNC, data, len / 2);
    free(data);
}

void file_copy_second_half(const char *from, const char *to)
{
    size_t len;
    char *data = file_read(from, &len);
    write_part(to, O_APPEND, data + len / 2, len - len / 2);
    free(data);
}

void file_remove(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

void file_copy_patched(const char *from, const char *to, size_t offset, const void *bytes, size_t len)
{
    size_t whole;
    char *data = file_read(from, &whole);
    assert_true(offset + len <= whole);
    memcpy(data + offset, bytes, len);
    file_write(to, data, whole);
    free(data);
}
