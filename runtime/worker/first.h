/* first.h: process 1 of the workers' pid namespace.
 *
 * The zygote makes the namespace but stays outside of it, so that fork(2) tells it process ids as hark sees
 * them. A pid namespace needs a first process that outlives the others: when it dies, the kernel kills all of
 * them. Ours waits for the zygote's end and does nothing else.
 *
 * A worker is not process 1 of a namespace of its own, because the kernel lets no signal that process 1
 * raises itself end it: abort(3) there falls through to an illegal instruction, and an assertion that failed,
 * or an uncaught C++ exception, would be blamed on a wild pointer (SIGSEGV instead of SIGABRT). */
#ifndef HARK_WORKER_FIRST_H
#define HARK_WORKER_FIRST_H

#include "worker/granted_root.h"

#include <sys/types.h>

struct first {
    pid_t pid;    /* as the zygote sees it; 0: none */
    int lifeline; /* closed: it ends. The workers close theirs */
    int proc;     /* procfs of the namespace, for fchdir(2); -1: could not be mounted */
};

/* After unshare(CLONE_NEWPID). 0 or a negative errno. */
__attribute__((warn_unused_result)) int first_start(struct first *first, const struct views *views);

#endif
