/* worker.h: a worker's life from the fork on: seal, setup, load, serve.
 *
 * In the forked child of the zygote. It is sealed before it knows what for: the setup and the function come
 * by its channel, now or when there is something to do. Everything up to the load is hark's code alone; from
 * there on this process belongs to the function and is trusted with nothing. */
#ifndef HARK_WORKER_WORKER_H
#define HARK_WORKER_WORKER_H

#include "shared/wire.h"
#include "worker/granted_root.h"
#include "worker/serve.h"

#include <sys/types.h>

struct worker_birth {
    pid_t parent;                     /* the zygote, as getppid(2) shows it: 0 from inside a pid namespace */
    int proc;                         /* for the loader, loader.h; the zygote's working folder */
    const int *fds;                   /* ZYGOTE_FD_COUNT */
    int sample;                       /* for the loader; -1: none */
    struct server *server;            /* made before the fork */
    const struct layer_state *layers; /* LAYER_COUNT: what the seal consists of */
    struct seal_limits limits;
    const struct grants *grants;
    int ruleset;               /* seal.h; -1: none */
    bool is_spare;             /* nobody waits for it yet */
    const struct views *views; /* where what is granted comes from */
};

/* In the zygote, before any worker is born: what each of them would have to do, and inherits. The server for
 * worker_birth; NULL: no memory. */
struct server *worker_prepare(void);

_Noreturn void worker_main(const struct worker_birth *birth);

#endif
