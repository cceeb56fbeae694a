/* test_files.h: which files `hark test` reads. */
#ifndef HARK_CLI_TEST_FILES_H
#define HARK_CLI_TEST_FILES_H

#include "cli/case_file.h"

#include <sys/types.h>

/* Where they are; each file once, however often and by whatever path it is named. */
struct test_paths {
    struct test_path {
        char *path; /* owned */
        dev_t device;
        ino_t inode;
    } * items; /* owned */
    size_t count;
    int code;                                     /* of the first folder that cannot be read; 0: all can */
    bool quiet;                                   /* set before: the log says nothing */
    void (*folder)(void *user, const char *path); /* set before: told of each folder; NULL: not */
    void *user;
};

/* Adds a file, or what lies in a folder and the folders in it as *.test.yaml, sorted; names that begin with a
 * dot apart. Symbolic links to files count, those to folders only as `path`. 0, or the exit code, logged: no
 * such path, or one that may not be read. */
__attribute__((warn_unused_result)) int test_paths_find(struct test_paths *list, const char *path);
void test_paths_finish(struct test_paths *list);

struct test_files {
    struct case_file **items; /* owned */
    size_t count;
    const char **bad; /* owned, its paths borrowed: could not be read; the log says why */
    size_t bad_count;
    int code; /* for the first of them, the exit code; 0: there is none */
};

void test_files_read(struct test_files *list, const char *path); /* path: stays in use */
void test_files_finish(struct test_files *list);

/* The whole of a file of at most CASE_BYTES_MAX. 0 and text, which the caller frees, or a negative errno. */
__attribute__((warn_unused_result)) int test_file_text(const char *path, char **ret_text, size_t *ret_len);

#endif
