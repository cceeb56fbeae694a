/* nest.h: where zygote and workers live: who they are, and what of the machine is still around them.
 *
 * In hark-worker at its start, single-threaded. What is done here once, no worker pays for; the rest of the
 * seal, and why, is in seal.h. */
#ifndef HARK_WORKER_NEST_H
#define HARK_WORKER_NEST_H

#include "shared/diag.h"
#include "shared/layers.h"
#include "worker/first.h"
#include "worker/granted_root.h"
#include "worker/identity.h"

struct nest {
    struct layer_state layers[LAYER_COUNT]; /* before nest_build: LAYER_WAIVED or LAYER_MISSING */
    uint32_t uid;                           /* of zygote and workers, as the machine sees it */
    struct first first;
    struct views views; /* granted_root.h; first.h */
    int proc; /* for fchdir(2): a procfs in which self/fd is found. With LAYER_ROOT it is attached nowhere */
};

/* Takes on the identity and enters the namespaces; whatever is not waived and can be had. Clears PDEATHSIG,
 * prctl(2). 0, or a negative errno and *why when the process must not go on. */
__attribute__((warn_unused_result)) int nest_build(struct nest *nest, const struct identity *identity,
                                                   struct diag *why);

/* For who has no workers with grants: what views show is gone then for good. */
void nest_close_views(struct nest *nest);

#endif
