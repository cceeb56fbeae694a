/* serve.h: a worker's conversation with the dispatcher: setup, load, then one call after the other.
 *
 * In the worker, one thread, blocking. None of these return once the process has to end. */
#ifndef HARK_WORKER_SERVE_H
#define HARK_WORKER_SERVE_H

#include "shared/diag.h"
#include "shared/wire.h"

struct server;

/* Gets the memory; `channel` need not be open yet, and only the process that forks off from here may use it.
 * NULL: there is none. */
struct server *serve_open(int channel);

/* Makes memory its own that the first call will write to. For a worker that waits anyway. */
void serve_warm_up(struct server *server);

/* Waits for the first bytes of the setup, and returns the descriptor that comes with them. May take long. */
int serve_await(struct server *server);

/* Tells the dispatcher why this worker cannot serve, and exits. */
_Noreturn void serve_fail(struct server *server, const struct diag *why);

/* Reads the rest of the setup, loads the function from the descriptor `handler`, which it closes, and serves.
 * `recorder` may be NULL only to let this say so. */
_Noreturn void serve_run(struct server *server, int handler, struct wire_recorder *recorder);

/* The same outside of the seal: the function is the file itself, and it ends by exit(3). */
_Noreturn void serve_file(struct server *server, const char *path, struct wire_recorder *recorder);

#endif
