/* zygote.h: the dispatcher's end of the zygote: the process that forks all workers.
 *
 * On the loop thread. Create it before any secret is read and before the loop has much memory: it is made by
 * posix_spawn(3), with an empty environment and no file but its control socket. When it dies, all its workers
 * die with it (PDEATHSIG); each is told so, and a new zygote is spawned, with a growing delay. */
#ifndef HARK_DISPATCHER_ZYGOTE_H
#define HARK_DISPATCHER_ZYGOTE_H

#include "shared/diag.h"
#include "shared/wire.h"

#include <sys/queue.h>
#include <uv.h>

/* A worker as the zygote knows it; embedded by its owner. */
struct zygote_child {
    uint32_t id; /* set by zygote_fork */
    LIST_ENTRY(zygote_child) link;
    /* It runs. Not called when the fork failed. */
    void (*started)(struct zygote_child *child, int pid);
    /* It is gone: a wait status as waitpid(2) gives it, or -errno: the fork failed (or the zygote is lost:
     * -ECHILD). Called once for each successful zygote_fork, always from the loop; the zygote forgets the
     * child before. */
    void (*exited)(struct zygote_child *child, int status);
};

struct zygote;

/* Spawns `program` (the path of hark-worker). NULL and *diag on failure. */
struct zygote *zygote_create(uv_loop_t *loop, const char *program, struct diag *diag);

/* Orders a fork. The zygote takes the fds (all ZYGOTE_FD_COUNT) in any case and closes this process's copies.
 * 0, or a negative errno: then `exited` is never called. */
__attribute__((warn_unused_result)) int zygote_fork(struct zygote *z, struct zygote_child *child,
                                                    const int fds[ZYGOTE_FD_COUNT], uint64_t data_bytes);
/* SIGKILL. `exited` follows. */
void zygote_kill(struct zygote *z, struct zygote_child *child);

/* The pid of the zygote process; 0 while there is none. For tests and status. */
int zygote_pid(const struct zygote *z);

/* Ends the zygote and all its workers; asynchronous: freed in a later turn. All children are gone already, or
 * their `exited` is never called. */
void zygote_close(struct zygote *z);

/* Where hark-worker is: $HARK_WORKER (for tests), else ../libexec/hark/hark-worker from this executable's
 * folder. Caller frees. NULL: out of memory. */
char *zygote_program(void);

#endif
