/* limits.h: how much of the machine one worker can take: setrlimit(2).
 *
 * In a worker. Memory is bounded by RLIMIT_DATA, which counts heap and private mappings, and not by
 * RLIMIT_AS, which counts what is merely reserved; RLIMIT_AS bounds only the page tables that a function can
 * make the kernel fill by reading what it never wrote. */
#ifndef HARK_WORKER_LIMITS_H
#define HARK_WORKER_LIMITS_H

#include "shared/wire.h"

/* The threads that a worker with these limits may have, the first included. */
uint32_t limits_threads(const struct seal_limits *limits);

/* Those of limits_apply that are the same for every worker, and that the zygote can live with as well: its
 * workers inherit them, and the knowledge of all the others. 0 or a negative errno. */
__attribute__((warn_unused_result)) int limits_apply_common(void);

/* 0 or a negative errno. A hard limit that is lower already stays. For more than one thread the process must
 * be in a user namespace of its own: RLIMIT_NPROC counts per user in one. */
__attribute__((warn_unused_result)) int limits_apply(const struct seal_limits *limits);

#endif
