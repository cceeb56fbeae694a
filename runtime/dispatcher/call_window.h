/* call_window.h: how many calls are worth sending a worker ahead? Pure.
 *
 * As many as take CALL_WINDOW_NS together, by the running mean of one call: the wake-up of another process is
 * the expensive part of a short call, and nothing shall wait behind a long one that another worker could do.
 */
#ifndef HARK_DISPATCHER_CALL_WINDOW_H
#define HARK_DISPATCHER_CALL_WINDOW_H

#include <stdint.h>

enum {
    CALL_WINDOW_MAX = 256, /* no more than a worker remembers failed chains: worker/serve.c */
    CALL_WINDOW_NS = 2 * 1000 * 1000
};

struct call_window {
    uint32_t calls;      /* that may be on their way; at least 1 */
    uint64_t service_ns; /* running mean of one call; 0: not known yet */
};

#define CALL_WINDOW_INITIAL ((struct call_window){.calls = 1})

/* Results of `calls` calls came together, took_ns after the ones before. calls > 0. */
void call_window_learn(struct call_window *w, uint64_t took_ns, uint64_t calls);

#endif
