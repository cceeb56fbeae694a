/* namespaces.h: takes the zygote, and with it every worker, out of the machine's own namespaces.
 *
 * In hark-worker at its start, single-threaded. See namespaces(7), user_namespaces(7). */
#ifndef HARK_WORKER_NAMESPACES_H
#define HARK_WORKER_NAMESPACES_H

#include "shared/layers.h"
#include "worker/identity.h"

/* Whether a process with this identity can have a user namespace of its own: a child tries. 0, or the
 * negative errno of what it could not do. */
__attribute__((warn_unused_result)) int namespaces_try_user(const struct identity *identity);

/* A user namespace with one user in it: ourselves, under a number that is not 0. The process must have its
 * identity already. It is traceable by its own user for the moment in which it writes the maps. */
__attribute__((warn_unused_result)) int namespaces_enter_user(void);

/* Network, IPC with UTS, mount, and for the children to come pid: each that is not waived is tried, and
 * states[] tells what came of it. Of the mount namespace only a failure is told, at LAYER_ROOT. */
void namespaces_enter(struct layer_state states[LAYER_COUNT]);

#endif
