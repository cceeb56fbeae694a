/* zygote.h: the process that forks workers and buries them.
 *
 * In hark-worker, single-threaded. It does what its control socket orders (struct zygote_order in
 * shared/wire.h) and reports what becomes of its children. It never runs a function's code, so a fork of it
 * is a clean, warm worker: the common libraries are loaded already.
 *
 * Workers with grants need rights until they are sealed, and so does their zygote. One of workers without is
 * sealed itself as far as a process can be that forks. */
#ifndef HARK_WORKER_ZYGOTE_H
#define HARK_WORKER_ZYGOTE_H

#include "shared/layers.h"
#include "worker/identity.h"

#include <sys/types.h>

struct zygote_options {
    int control;
    int cgroup_procs; /* of the cgroup to be in, open for writing; -1: stay where we are */
    pid_t parent;     /* the process that started us: without it there is nothing to do */
    struct identity identity;
    bool waived[LAYER_COUNT]; /* --insecure=LAYER: not to be applied */
    bool grants;              /* its workers are those of functions with grants */
};

/* Seals itself in, reports the layers, and serves the control socket until its other end closes; then kills
 * and reaps all workers. Returns the exit status. */
int zygote_run(const struct zygote_options *options);

#endif
