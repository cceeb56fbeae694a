/* filter.h: the system calls that a worker may still make: seccomp(2).
 *
 * The list is in filter_gen.c; it becomes a program when hark is built. The default is EPERM, so that a
 * function that tries more than it may can say so and live; what only an attacker calls ends the process with
 * SIGSYS. */
#ifndef HARK_WORKER_FILTER_H
#define HARK_WORKER_FILTER_H

/* kind: FILTER_THREADS and so on, added up. Needs no_new_privs. For good, for all threads to come. 0 or a
 * negative errno; -ENOSYS: there is no filter for this kind of machine. */
__attribute__((warn_unused_result)) int filter_install(unsigned kind);

#endif
