/* case_run.h: a test case at work: its messages, one after the other, in a worker of its own.
 *
 * On the loop thread; many may run side by side. */
#ifndef HARK_CLI_CASE_RUN_H
#define HARK_CLI_CASE_RUN_H

#include "cli/case_file.h"
#include "cli/player.h"

enum { CASE_LOG_LINES_MAX = 1000 };

/* A message that is played. */
struct case_play {
    const struct case_message *given;
    struct mqtt_message message; /* borrowed from `given` */
    struct property properties[WIRE_PROPERTIES_MAX];
    struct topic_captures captures;
    char *json; /* the payload, where it is JSON; owned */
    struct play play;
};

struct case_run {
    const struct case_file *file;
    const struct test_case *test;
    struct revision *revision; /* owned; NULL: it could not be loaded */
    struct player player;
    struct case_play *plays; /* owned; `before` and `given` */
    size_t count, played;    /* the last one played is the first that did not end well, if one did not */
    char **logs;             /* owned, of the messages of `given` */
    size_t log_count;
    char error[DIAG_FORMATTED_MAX]; /* it could not be run to its end: why; empty: it could */
    uint64_t took_ns;
    bool stopping;
    bool cancelled;
};

/* The manifest or .so that the cases are about. The caller frees. */
char *case_function_path(const struct case_file *f);

/* Starts it. functions: second place to look for the handler; NULL: none. The storage must not be moved. */
void case_run_start(struct case_run *run, const struct case_file *file, const struct test_case *test,
                    struct worker_io *io, const char *functions);
/* After some turn of the loop. */
/* Ends it early; it is over some turns of the loop later, and says nothing. May be called again. */
void case_run_cancel(struct case_run *run);
bool case_run_is_over(const struct case_run *run);
/* When it is over: gives back what only the worker needed. What happened stays. */
void case_run_rest(struct case_run *run);
void case_run_finish(struct case_run *run); /* only when it is over */

#endif
