/* serve.h: a worker's conversation with the dispatcher: setup, load, then one call after the other.
 *
 * In the worker, one thread, blocking. None of these return once the process has to end. */
#ifndef HARK_WORKER_SERVE_H
#define HARK_WORKER_SERVE_H

#include "shared/diag.h"
#include "shared/wire.h"

struct server;

/* Before the function is loaded. `recorder` may be NULL only to let serve_run say so. Exits when there is no
 * memory. One a process, never closed. */
struct server *serve_open(int channel, struct wire_recorder *recorder);

/* Tells the dispatcher why this worker cannot serve, and exits. */
_Noreturn void serve_fail(struct server *server, const struct diag *why);

/* Reads the setup, loads the function from the descriptor `handler`, which it closes, and serves. */
_Noreturn void serve_run(struct server *server, int handler);

#endif
