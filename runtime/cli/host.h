/* host.h: the loop of a command, and the zygote, which is started before anything secret is read.
 *
 * On the main thread. */
#ifndef HARK_CLI_HOST_H
#define HARK_CLI_HOST_H

#include "dispatcher/worker.h"
#include "dispatcher/zygote.h"

struct host {
    uv_loop_t loop;
    struct zygote *zygote;
    struct worker_io *io; /* NULL until host_needs_workers */
};

/* 0, or the exit code, logged. */
__attribute__((warn_unused_result)) int host_init(struct host *h);
__attribute__((warn_unused_result)) int host_needs_workers(struct host *h);

/* Ends the zygote and runs the loop until every handle has closed: what the caller has on it must be closed
 * or closing. */
void host_finish(struct host *h);

#endif
