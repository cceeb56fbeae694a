/* worker.h: a worker's life from the fork on: seal, then its descriptors, load, serve.
 *
 * In the forked child of the zygote. It is sealed before it knows what for, so that it can wait (spares.h);
 * its descriptors come by a socket, in the order of enum zygote_fd. Everything up to the load is hark's code
 * alone; from there on this process belongs to the function and is trusted with nothing. */
#ifndef HARK_WORKER_WORKER_H
#define HARK_WORKER_WORKER_H

#include "shared/wire.h"

#include <sys/types.h>

struct worker_birth {
    pid_t parent;                     /* the zygote, as getppid(2) shows it: 0 from inside a pid namespace */
    int proc;                         /* for the loader, loader.h */
    int handoff;                      /* descriptors.h; closed: this worker is not needed */
    const struct layer_state *layers; /* LAYER_COUNT: what the seal consists of */
    struct seal_limits limits;
};

_Noreturn void worker_main(const struct worker_birth *birth);

#endif
