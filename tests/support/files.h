/* files.h: what people and build systems do to files: write, copy over, rename over, copy half, remove. */
#ifndef TESTS_SUPPORT_FILES_H
#define TESTS_SUPPORT_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A new folder that everybody may enter, removed with all in it at the end of the test. The result lives
 * until then. */
const char *folder_create(void);

/* Until the end of the test TMPDIR is a folder_create() of its own: what a command that is killed leaves
 * there is removed with it. */
void temporary_folder_create(void);

/* folder/name, as a string that lives until the end of the test. */
const char *path_in(const char *folder, const char *name);

/* The whole of a file, with a NUL that is not counted; the caller frees. */
char *file_read(const char *path, size_t *ret_len);

/* Writes over the file, as `cp` does: truncated, then written, the same inode. */
void file_write(const char *path, const void *data, size_t len);
__attribute__((format(printf, 2, 3))) void file_print(const char *path, const char *format, ...);

void file_copy(const char *from, const char *to);            /* in place, mode included */
void file_replace(const char *from, const char *to);         /* beside it, then renamed over it */
void file_copy_first_half(const char *from, const char *to); /* truncates, then writes the first half */
void file_copy_second_half(const char *from, const char *to);
void file_remove(const char *path);

/* A copy with some bytes other than they were. */
void file_copy_patched(const char *from, const char *to, size_t offset, const void *bytes, size_t len);

#endif
