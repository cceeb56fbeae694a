/* filter.h: the system calls that a worker may still make: seccomp(2).
 *
 * The list is in filter_gen.c; it becomes programs when hark is built. The default is EPERM, so that a
 * function that tries more than it may can say so and live; what only an attacker calls ends the process with
 * SIGSYS.
 *
 * The kernel checks and translates a program for each process that loads it, which is the dearest step of a
 * seal. So most of it is loaded once, by the zygote, and inherited: it leaves what the zygote and the seal
 * call themselves, and a short program in each worker takes that back. Both are asked about every call, and
 * the stricter answer counts. What a worker with grants may call differs too much: it loads the whole. */
#ifndef HARK_WORKER_FILTER_H
#define HARK_WORKER_FILTER_H

/* All need no_new_privs, are for good and for all threads and processes to come. 0 or a negative errno;
 * -ENOSYS: there is no filter for this kind of machine. kind: FILTER_THREADS and so on, added up. */

__attribute__((warn_unused_result)) int filter_install(unsigned kind);

/* In the zygote of workers without grants. */
__attribute__((warn_unused_result)) int filter_install_common(void);
/* In its workers; kind is below FILTER_PLAIN_KINDS. */
__attribute__((warn_unused_result)) int filter_install_rest(unsigned kind);

#endif
