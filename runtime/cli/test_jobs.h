/* test_jobs.h: test cases run side by side, as many at once as there are cores.
 *
 * On the loop thread. */
#ifndef HARK_CLI_TEST_JOBS_H
#define HARK_CLI_TEST_JOBS_H

#include "cli/host.h"
#include "cli/test_report.h"

struct test_jobs {
    struct host *host;
    const char *functions; /* second place to look for handlers; NULL: none */
    bool keeps_runs;       /* of cases that fail or expect nothing, until test_jobs_drop */
    const bool *stops;     /* true: nothing more is started, and what runs is ended; NULL: never */
    void (*over)(void *user, const struct test_outcome *o); /* in the order of the outcomes; NULL: not told */
    void *user;
};

/* An outcome for each case, in order, which the caller frees. */
struct test_outcome *test_outcomes_of(struct case_file *const *files, size_t file_count, size_t *ret_count);

/* Runs the cases of all outcomes and fills them in. False: it was stopped, and not all are over. */
bool test_jobs_run(const struct test_jobs *jobs, struct test_outcome *outcomes, size_t count);

/* Frees what it filled in. */
void test_jobs_drop(struct test_outcome *outcomes, size_t count);

#endif
