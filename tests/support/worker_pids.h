/* worker_pids.h: the worker processes of a hark, found where the kernel lists processes. */
#ifndef TESTS_SUPPORT_WORKER_PIDS_H
#define TESTS_SUPPORT_WORKER_PIDS_H

#include <stddef.h>
#include <sys/types.h>

/* Fills in at most `max` pids of processes that descend from hark's child, the zygote, and have no children
 * of their own. Returns how many. They may be gone by the time it returns. */
size_t worker_pids(pid_t hark, pid_t *pids, size_t max);

/* Fills in at most `max` pids of all that descend from the process. Returns how many. */
size_t descendant_pids(pid_t ancestor, pid_t *pids, size_t max);

/* Signals all workers that have a function. Returns how many. One that only tried a version out may be among
 * them, on its way out: hark says "deployed" before it is gone. */
size_t worker_signal_all(pid_t hark, int signal);

/* One of the workers that have a function, chosen by *seed, which moves on; 0: there is none. */
pid_t worker_choose(pid_t hark, unsigned *seed);

/* Kills one of them by SIGKILL. Returns its pid, or 0: there was none. */
pid_t worker_kill_random(pid_t hark, unsigned *seed);

/* Fills in at most `max` pids of its children. Returns how many. */
size_t child_pids(pid_t parent, pid_t *pids, size_t max);

/* Sends a signal to hark's children: the zygote, and the networked one if there is one. Returns the pid of
 * one of them, or 0: there was none. */
pid_t zygote_signal(pid_t hark, int signal);

#endif
