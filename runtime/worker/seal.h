/* seal.h: takes away from a worker what its function must not have.
 *
 * In the worker, after the fork and before the function's .so is loaded: this is the place of the whole seal.
 * A constructor of the .so is the function's code, so nothing applied after dlopen(3) is a boundary. Today it
 * limits resources and bars new privileges; it does not keep a hostile function from reading files or opening
 * sockets as hark's own user. */
#ifndef HARK_WORKER_SEAL_H
#define HARK_WORKER_SEAL_H

#include "shared/diag.h"

#include <stdint.h>

struct seal {
    uint64_t data_bytes; /* RLIMIT_DATA, getrlimit(2): heap and private mappings; 0: no limit */
};

/* 0, or a negative errno and *why: then the process must not load anything. There is no way back. */
__attribute__((warn_unused_result)) int seal_apply(const struct seal *seal, struct diag *why);

#endif
