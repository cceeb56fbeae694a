/* test_report.h: what became of the cases of `hark test`, for people and, as JUnit's XML, for machines. */
#ifndef HARK_CLI_TEST_REPORT_H
#define HARK_CLI_TEST_REPORT_H

#include "cli/case_run.h"
#include "cli/test_files.h"

/* A case that was run. */
struct test_outcome {
    const struct case_file *file;
    const struct test_case *test;
    char *failure;        /* owned; lines; NULL: it passed */
    struct case_run *run; /* owned, where it is kept; else NULL */
    uint64_t took_ns;
    bool is_over;
    bool is_recorded; /* `failure` is what was wrong with the expectation until it was recorded */
};

bool test_outcome_failed(const struct test_outcome *o);

/* A line, and below it why it failed. Cases come in the order of the files. */
void test_report_case(const struct test_outcome *o);

struct test_totals {
    size_t passed, recorded, failed;
};

struct test_totals test_totals_of(const struct test_outcome *outcomes, size_t count);
void test_report_end(struct test_totals totals, uint64_t took_ns);

/* JUnit's XML, as CI systems read it; the files that could not be read are errors in it. 0, or -errno. */
__attribute__((warn_unused_result)) int test_report_junit(const char *path,
                                                          const struct test_outcome *outcomes, size_t count,
                                                          const struct test_files *files);

#endif
