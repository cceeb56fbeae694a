/* test_files.h: which files `hark test` reads. */
#ifndef HARK_CLI_TEST_FILES_H
#define HARK_CLI_TEST_FILES_H

#include "cli/case_file.h"

struct test_files {
    struct case_file **items; /* owned */
    size_t count;
    bool bad; /* one of them could not be read; the log says it */
};

/* Adds a file, or what lies in a folder and the folders in it as *.test.yaml, sorted; names that begin with a
 * dot apart. 0, or the exit code, logged: no such path, or one that may not be read. */
__attribute__((warn_unused_result)) int test_files_add(struct test_files *list, const char *path);
void test_files_finish(struct test_files *list);

#endif
