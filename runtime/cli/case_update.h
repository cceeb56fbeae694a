/* case_update.h: what happened in test cases, put into the text of their file as what they expect. Pure.
 *
 * Only what did not match is written; all else of the file stays byte by byte. What is written and what is
 * not: docs/test-cases.md. */
#ifndef HARK_CLI_CASE_UPDATE_H
#define HARK_CLI_CASE_UPDATE_H

#include "cli/case_match.h"

/* What happened in one case. */
struct case_happened {
    enum play_outcome outcome; /* of its last message */
    struct case_outputs outputs;
    char *const *logs; /* borrowed */
    size_t log_count;
    bool was_asked; /* its last message says where a reply is wanted */
};

/* NULL: what happened can be written as an expectation; else why not. */
const char *case_update_refuses(const struct case_run *run);

/* Lives as long as run; case_outputs_finish(&outputs). */
struct case_happened case_happened_in(const struct case_run *run);

struct case_updated {
    char *text; /* owned; of the whole file */
    size_t len;
    bool *changes; /* owned; of each case: is it changed? Not where all but `within` is as expected */
};

/* happened[n]: in case n of the file, what it is to expect from now on; NULL: it stays as it is. Assigns the
 * outputs anew. 0 and *ret_updated, or -EINVAL: it cannot be written between what stands there. */
__attribute__((warn_unused_result)) int case_update(const struct case_file *file, struct slice text,
                                                    struct case_happened *const *happened,
                                                    struct case_updated *ret_updated);
void case_updated_finish(struct case_updated *u);

#endif
