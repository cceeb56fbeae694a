/* worker.h: a worker's life from the fork on: own descriptors, seal, load, serve.
 *
 * In the forked child of the zygote. Everything up to the load is hark's code alone; from there on this
 * process belongs to the function and is trusted with nothing. */
#ifndef HARK_WORKER_WORKER_H
#define HARK_WORKER_WORKER_H

#include "shared/wire.h"

#include <sys/types.h>

struct worker_birth {
    pid_t parent; /* the zygote, as getppid(2) shows it to the worker: 0 from inside a pid namespace */
    int proc;     /* for the loader, loader.h */
    int channel;  /* stream socketpair, blocking */
    int handler;  /* memfd with the .so */
    int recorder; /* memfd with a struct wire_recorder */
    int log;      /* pipe: standard output and error */
    const struct layer_state *layers; /* LAYER_COUNT: what the seal consists of */
    struct seal_limits limits;
};

_Noreturn void worker_main(const struct worker_birth *birth);

#endif
