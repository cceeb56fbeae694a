/* test_update.h: `hark test --update`: what happened in the cases that failed, and in those without `expect`,
 * becomes what they expect.
 *
 * Twice the same: a case is recorded only when it passes with what was recorded in a second run. On the loop
 * thread. */
#ifndef HARK_CLI_TEST_UPDATE_H
#define HARK_CLI_TEST_UPDATE_H

#include "cli/test_jobs.h"

/* outcomes: of all cases of one or several files, over, with the runs that test_jobs keeps; is_recorded and
 * `failure` change. 0, or the exit code, logged: a file could not be written. */
__attribute__((warn_unused_result)) int test_update(const struct test_jobs *jobs,
                                                    struct test_outcome *outcomes, size_t count);

#endif
