/* zygote_harness.h: drives the real hark-worker as the dispatcher does, through its sockets, one step at a
 * time. Every step asserts; what does not come within 20 s fails the test. */
#ifndef HARK_TESTS_ZYGOTE_HARNESS_H
#define HARK_TESTS_ZYGOTE_HARNESS_H

#include "shared/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#include <cmocka.h>

struct zygote {
    pid_t pid;
    int control;
    int complaints;                  /* its standard error */
    int far_control, far_complaints; /* its ends, until it is launched */
    struct zygote_layers layers;     /* once they were read */
};

struct worker {
    uint32_t id;
    pid_t pid;
    int channel;
    int handler; /* its function; -1: it was sent */
    int output;  /* of its standard output and error */
    const struct wire_recorder *recorder;
    struct buffer in;
    size_t taken; /* bytes of `in` that the last frame has, which is still in use */
};

struct frame {
    struct wire_header header;
    struct slice body; /* until the next frame of this worker */
};

/* The zygote of the test that runs: cmocka's set-up and tear-down. */
extern struct zygote zygote;
int zygote_set_up(void **unused);
/* What it is launched with, as hark-worker's second and third argument; "-" both, until somebody says else.
 */
extern const char *zygote_identity, *zygote_waived;
extern unsigned zygote_user; /* who starts hark-worker; 0: who runs the test */
int zygote_tear_down(void **unused);

/* In two steps, so that another process can be the parent: sockets, then hark-worker with `parent` told. */
void zygote_open(void);
void zygote_launch(pid_t parent);
void zygote_close_far_ends(void);
void zygote_order(enum zygote_order_type type, uint32_t worker);
const struct zygote_layers *zygote_read_layers(void); /* its first packet; waits for it only once */
struct zygote_report zygote_next_report(void);
void zygote_expect_exit(int status);                /* waits for its end, exit(3)'s number */
void zygote_expect_complaint(const char *expected); /* all of its standard error */

/* Orders a fork that runs tests/functions/<name>.so; waits for STARTED. */
struct worker worker_fork(const char *name, uint64_t data_bytes);
struct worker worker_fork_limited(const char *name, const struct seal_limits *limits);
/* Orders one that is to be born into that cgroup, which is closed here; what becomes of it is for the caller
 * to read. */
void worker_order_into(const char *name, int cgroup);
/* The first, set up generously and READY: may publish below out/. */
struct worker worker_start(const char *name);
void worker_release(struct worker *w); /* this side only: closes, unmaps */

struct wire_setup worker_default_setup(const char *name);
void worker_send_setup(struct worker *w, const struct wire_setup *setup);
void worker_send(struct worker *w, const struct buffer *frames);
void worker_send_stop(struct worker *w);
void worker_invoke(struct worker *w, uint64_t call, const char *topic, const char *payload);
void worker_invoke_with(struct worker *w, uint64_t call, const struct wire_invoke *invoke);

/* A request with a response topic; returns what the function replied, until the next frame. */
const char *worker_ask(struct worker *w, uint64_t call, const char *payload);

struct frame worker_next(struct worker *w);
struct frame worker_expect(struct worker *w, enum wire_type type, uint64_t call);
void worker_expect_result(struct worker *w, uint64_t call, enum wire_result expected);
void worker_expect_publish(struct worker *w, uint64_t call, const char *topic, const char *payload);
void worker_expect_log(struct worker *w, uint64_t call, uint32_t expected_level, const char *expected);
void worker_expect_failed(struct worker *w, const char *expected);
void worker_expect_output(struct worker *w, const char *expected); /* exactly these next bytes */
void worker_expect_end_of_channel(struct worker *w);
/* The zygote's next report: this worker ended with wait(2)'s status. */
void worker_expect_exit(const struct worker *w, int status);

#define SIGNALLED(sig) (sig)
#define EXITED(code)   ((code) << 8)

#define WITH_ZYGOTE(test) cmocka_unit_test_setup_teardown(test, zygote_set_up, zygote_tear_down)

#endif
