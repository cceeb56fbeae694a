/* test_report.h: what became of the cases of `hark test`, for people and for machines. */
#ifndef HARK_CLI_TEST_REPORT_H
#define HARK_CLI_TEST_REPORT_H

#include "cli/case_file.h"

/* A case that was run. */
struct test_outcome {
    const struct case_file *file;
    const struct test_case *test;
    char *failure; /* owned; lines; NULL: it passed */
    uint64_t took_ns;
};

/* A line, and below it why it failed. Cases come in the order of the files. */
void test_report_case(const struct test_outcome *o, bool is_first_of_file);
void test_report_end(size_t passed, size_t failed, uint64_t took_ns);

/* JUnit's XML, as CI systems read it. 0, or -errno. */
__attribute__((warn_unused_result)) int test_report_junit(const char *path,
                                                          const struct test_outcome *outcomes, size_t count);

#endif
