/* granted_root.h: a root folder with nothing in it but what was granted, at its own names.
 *
 * In a worker with grants, before it is sealed: the rights to mount are the zygote's, in its own user
 * namespace, and end with the seal. The worker goes back to where the machine's files still are, takes hold
 * of each granted path, and leaves for a root of its own; it keeps no descriptor of anything else. */
#ifndef HARK_WORKER_GRANTED_ROOT_H
#define HARK_WORKER_GRANTED_ROOT_H

#include "shared/diag.h"
#include "shared/grants.h"

/* Mount namespaces as descriptors, setns(2); -1: there is none. The zygote's to close. */
struct views {
    int machine; /* with all files of the machine */
    int empty;   /* with none: where the zygote is */
};

/* Each grant becomes a mount of its own: never a device, never setuid, never code, read-only unless granted
 * to be written; what the machine mounts later does not appear in it. Changes the working folder to the new
 * root. 0, or a negative errno and *why: then the process must not load anything. */
__attribute__((warn_unused_result)) int granted_root_build(const struct grants *grants,
                                                           const struct views *views, struct diag *why);

#endif
