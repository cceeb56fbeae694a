/* seal.h: takes away from a worker what its function must not have, before the function is there.
 *
 * A function is a .so of whoever wrote it: it runs in this process, and its constructors run while it is
 * loaded. So the seal is complete before dlopen(3); nothing applied later would be a boundary, and there is
 * no way back. What a function keeps: its channel to the dispatcher, its log pipe, its share of memory, CPU
 * time and descriptors, and the libraries that are mapped already.
 *
 * Around the zygote, once, inherited by all workers (nest.h):
 *   uid             hark that runs as root becomes a user of no importance. Stops: everything that uid 0 may
 *                   without a capability. Remains: what that user owns, for the layers below.
 *   user namespace  for what needs a capability here, without one on the machine. Inside, everybody is 65534.
 *   network, ipc    no interface, not even a loopback that is up; no System V IPC, no message queue of the
 *                   machine, another host name. Remains: unix sockets that have a path, of which the root has
 *                   none.
 *   root            an empty read-only tmpfs. Stops: every path. Remains: descriptors, of which
 *                   there are four.
 *   pid namespace   one for all workers, its process 1 is in first.h. Stops: signals to, and
 *                   knowledge of, any process of the machine. Remains: other workers, as numbers;
 *                   landlock and the filter keep them from each other.
 *
 * In the zygote, too, where its workers have no grants (seal_prepare_plain): capabilities, no-new-privs, mdwe
 * and the larger part of the filter, filter.h. What follows then has no more to do there, with two
 * exceptions: the user namespace for more than one thread brings capabilities, which go as below, and
 * landlock's domain is each worker's own, of a ruleset that was made once.
 *
 * In each worker, in this order (worker_main, seal_apply):
 *   descriptors     closed, all but /dev/null, the log pipe and the channel. By that comes, when all
 *                   of the below is done, the .so, and before it where a unix socket was granted,
 *                   whose filter takes no descriptors; it is closed again once it is loaded. Of the
 *                   flight recorder there is a mapping, and no descriptor.
 *   limits          setrlimit(2), limits.h. With more than one thread a user namespace of the
 *                   worker's own, because RLIMIT_NPROC counts per user in one; it costs about 50 us,
 *                   so only then. Remains: what the limits grant, and kernel memory behind
 *                   descriptors (pipes, timers, epoll).
 *   capabilities    all sets empty, bounding set too; securebits locked.
 *   no-new-privs    an exec gains nothing; seccomp and landlock need it.
 *   mdwe            memory that was ever writable never becomes code, prctl(2).
 *   landlock        landlock(7): no file, no TCP, no abstract socket, no signal to anybody outside.
 *                   Remains: stat(2) and chdir(2), which it does not govern: in an empty root they
 *                   find nothing. A constructor runs with a procfs as working folder (loader.h), of
 *                   the workers' pid namespace and attached to no other folder, and can stat there
 *                   which workers exist; it can open nothing in it but its own .so.
 *                   Without landlock a constructor can read there what /proc shows of other workers,
 *                   which are not dumpable: their names and counters.
 *                   What was granted is left open: these paths and ports and no others.
 *   dumpable        0: no ptrace and no /proc/PID/mem by the same user, no core.
 *   filter          seccomp(2), filter_gen.c: an allow-list of system calls and arguments, EPERM
 *                   otherwise, SIGSYS for what only an attacker calls. Each kind of grant adds some.
 *
 * Grants come before all of that: a worker that has some builds a root of its own with them first
 * (granted_root.h), while it still has the rights in the zygote's user namespace that capabilities takes.
 *
 * What none of this stops: bugs of the kernel in the calls that are left, side channels of the processor, and
 * whatever the manifest lets the function publish. */
#ifndef HARK_WORKER_SEAL_H
#define HARK_WORKER_SEAL_H

#include "shared/diag.h"
#include "shared/grants.h"
#include "shared/layers.h"
#include "shared/wire.h"

/* Descriptors up to this one are a worker's to place. */
enum { SEAL_LOW_FD = 15 };

/* What one function may have. */
struct seal_terms {
    const struct seal_limits *limits;
    const struct grants *grants;
    int ruleset; /* seal_prepare_plain; -1: none */
};

/* Tries the worker's own layers in a child and fills in their states; those that are LAYER_WAIVED stay so. */
void seal_probe(struct layer_state states[LAYER_COUNT]);

/* In the zygote, after the probe: what of it all workers can inherit. 0, or a negative errno and *why. */
__attribute__((warn_unused_result)) int seal_prepare(const struct layer_state states[LAYER_COUNT],
                                                     struct diag *why);

/* After that, in a zygote whose workers have no grants: what else these can inherit, which is most. From here
 * on the zygote can do little but fork, bury, and speak by descriptor FILTER_CHANNEL. *ret_ruleset: for
 * seal_terms; the caller's to close. 0, or a negative errno and *why. */
__attribute__((warn_unused_result)) int seal_prepare_plain(const struct layer_state states[LAYER_COUNT],
                                                           int *ret_ruleset, struct diag *why);

/* Applies them. A layer that was found missing is left out, unless it is mandatory; one that worked in the
 * probe must work again. 0, or a negative errno and *why: then the process must not load anything. */
__attribute__((warn_unused_result)) int seal_apply(const struct layer_state states[LAYER_COUNT],
                                                   const struct seal_terms *terms, struct diag *why);

#endif
