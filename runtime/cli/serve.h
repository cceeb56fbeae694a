/* serve.h: from settings to a served folder, until a signal ends it. What `hark run` and `hark dev` have in
 * common.
 *
 * On the main thread. SIGTERM, SIGINT, SIGHUP and SIGQUIT drain; a second one ends at once. */
#ifndef HARK_CLI_SERVE_H
#define HARK_CLI_SERVE_H

#include "cli/host.h"
#include "cli/settings.h"
#include "dispatcher/runtime.h"

/* After the grace that was given: for workers, then for all else, to end. */
enum { SERVE_SIGNALS = 4, SERVE_WORKERS_MS = 2000, SERVE_LAST_MS = 3000 };
/* A service manager that waits for the functions is let go then: the broker may be away for days. */
enum { SERVE_PATIENCE_MS = 5000 };

struct serve {
    struct host host;
    uv_signal_t signals[SERVE_SIGNALS];
    uv_timer_t last;     /* after the second signal: the patience of the impatient */
    uv_timer_t patience; /* from the start on; stopped when all functions are there */
    struct runtime *runtime;
    void (*dying)(void *user); /* before it kills itself, since it does not end; NULL after serve_init */
    void *dying_user;
    uint64_t drain_ns; /* what the first signal grants */
    unsigned stops;    /* signals and calls of serve_stop so far */
    int exit_code;
};

/* Loop, zygote, signals. 0, or the exit code, logged. */
__attribute__((warn_unused_result)) int serve_init(struct serve *s, const struct options *o);
/* Has a signal come? For what is done before serve_run. */
bool serve_is_stopping(const struct serve *s);

/* Serves until it is stopped. Finishes the settings: their secrets are wiped as soon as the runtime has its
 * own. Returns the exit code. */
int serve_run(struct serve *s, struct settings *settings, const struct observer *observer,
              void *observer_user);
/* Ends it with this exit code, as the first signal would with 0. grace_ns: for what runs. */
void serve_stop(struct serve *s, uint64_t grace_ns, int exit_code);

/* Closes all; the caller's own handles on the loop are closed or closing. */
void serve_finish(struct serve *s);

#endif
