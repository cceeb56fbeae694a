/* cgroup_limits.h: what a function's workers may use together, as cgroup v2 takes it.
 *
 * Pure. Limits of one worker (RLIMIT_DATA and the like) do not see what the kernel keeps for it, nor what is
 * shared; a cgroup sees all of it, but only of all workers together. So the cgroup's limit is the sum of what
 * they may have, and something on top for what is no fault of theirs. */
#ifndef HARK_DISPATCHER_CGROUP_LIMITS_H
#define HARK_DISPATCHER_CGROUP_LIMITS_H

#include "manifest/manifest.h"

#include <stdint.h>

enum {
    /* A worker beyond its limits.memory: the stack of its first thread (8 MiB, limits.c), page tables, and
     * what waits in sockets and pipes. */
    CGROUP_WORKER_EXTRA_BYTES = 16 << 20,
    /* Workers of a version beside instances.max: the one that tried it, which stops while others start. */
    CGROUP_WORKERS_EXTRA = 1,
    /* Processes of the zygote's making beside the workers: spares that wait, and as many that were dropped
     * and not yet buried. */
    CGROUP_SPARES = 4
};

/* Of one version of a function, or of several of one function: an old one finishes while a new one starts. */
struct cgroup_limits {
    uint64_t memory_bytes;
    uint64_t pids;
    uint32_t cpu_percent; /* of one processor; 0: no limit */
};

struct cgroup_limits cgroup_limits_of(const struct manifest *m);
/* Zeroed limits are those of no version. */
void cgroup_limits_add(struct cgroup_limits *sum, const struct cgroup_limits *more, bool is_first);

/* For cpu.max: "QUOTA PERIOD" in microseconds, or "max". A function that has used up its quota stands still
 * until the period is over: so it is as short as 10 ms, unless the quota were less than 2 ms then. */
enum { CGROUP_VALUE_MAX = 48 };
const char *cgroup_cpu_max(uint32_t percent, char buffer[CGROUP_VALUE_MAX]);

/* The number behind `key ` in a flat-keyed file such as memory.events; 0: not there. */
uint64_t cgroup_parse_count(const char *text, const char *key);

#endif
