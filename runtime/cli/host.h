/* host.h: the loop of a command, and the zygote, which is started before anything secret is read.
 *
 * On the main thread. */
#ifndef HARK_CLI_HOST_H
#define HARK_CLI_HOST_H

#include "cli/run_as.h"
#include "dispatcher/worker.h"
#include "dispatcher/zygote.h"

struct host {
    uv_loop_t loop;
    struct cgroups *cgroups; /* NULL until it is open */
    struct zygote *zygote;
    struct worker_io *io; /* NULL until host_needs_workers */
    struct run_as run_as;
};

/* The zygote is up and its layers are known. 0, or the exit code, logged: 64 and 77 as run_as_resolve, 70. */
__attribute__((warn_unused_result)) int host_open(struct host *h, const struct options *o);
/* And they hold: a line for each that does not. 77: without what is missing functions are not run. */
__attribute__((warn_unused_result)) int host_init(struct host *h, const struct options *o);
/* Without a zygote, for workers that come from somewhere else: worker_io_use_births. */
__attribute__((warn_unused_result)) int host_init_unsealed(struct host *h);
__attribute__((warn_unused_result)) int host_needs_workers(struct host *h);

/* Ends the zygote and runs the loop until every handle has closed: what the caller has on it must be closed
 * or closing. */
void host_finish(struct host *h);

#endif
