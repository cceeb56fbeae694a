/* worker.h: a worker's life from the fork on: own descriptors, seal, load, serve.
 *
 * In the forked child of the zygote. Everything up to the load is hark's code alone; from there on this
 * process belongs to the function and is trusted with nothing. */
#ifndef HARK_WORKER_WORKER_H
#define HARK_WORKER_WORKER_H

#include <stdint.h>
#include <sys/types.h>

struct worker_birth {
    pid_t zygote; /* the parent: the worker dies with it */
    int channel;  /* stream socketpair, blocking */
    int handler;  /* memfd with the .so */
    int recorder; /* memfd with a struct wire_recorder */
    int log;      /* pipe: standard output and error */
    uint64_t data_bytes;
};

_Noreturn void worker_main(const struct worker_birth *birth);

#endif
