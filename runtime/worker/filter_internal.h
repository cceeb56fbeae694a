/* filter_internal.h: what the generator of the filters and hark-worker agree on. */
#ifndef HARK_WORKER_FILTER_INTERNAL_H
#define HARK_WORKER_FILTER_INTERNAL_H

#include <linux/filter.h>
#include <stddef.h>

enum {
    FILTER_CHANNEL = 3,         /* the descriptor that may be sent to and received from */
    FILTER_OWN_PID = 0x4f574e50 /* in the program, where the worker puts its process id; no pid is as high */
};

/* Which list a worker gets: what it was granted, added up. There is no FILTER_WRITE without FILTER_READ. */
enum {
    FILTER_THREADS = 1,
    FILTER_READ = 2,
    FILTER_WRITE = 4,
    FILTER_UNIX = 8,
    FILTER_TCP = 16,
    FILTER_KINDS = 32
};

/* Whose filter is in two parts: one that the zygote has already, and that leaves it what it and the seal
 * need, and another that takes this back. The stricter answer of the two counts. */
enum { FILTER_PLAIN_KINDS = FILTER_THREADS + 1 };

/* Instructions; of the part that each worker loads. */
enum { FILTER_PROGRAM_MAX = 1024, FILTER_REST_MAX = 64 };

struct filter_program {
    const struct sock_filter *program; /* NULL: there is no such kind */
    size_t count;                      /* instructions */
};

#endif
