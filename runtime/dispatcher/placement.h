/* placement.h: on which core shall a worker run? Pure.
 *
 * A message that comes alone pays for being passed on: to wake a process on a core that sleeps takes several
 * times as long as to let it run next on this one, and while the dispatcher waits for the answer its core is
 * free. So the worker of a conversation, one short call at a time, follows the dispatcher from core to core.
 * As soon as calls gather or last, it runs wherever the kernel thinks best: then two cores are worth more
 * than a quick start. */
#ifndef HARK_DISPATCHER_PLACEMENT_H
#define HARK_DISPATCHER_PLACEMENT_H

#include <stdint.h>

enum {
    PLACEMENT_LONE_CALLS = 16,          /* in a row are a conversation */
    PLACEMENT_GAP_NS_MIN = 160 * 1000,  /* between them, on the average: sooner, no core has gone to sleep */
    PLACEMENT_GAP_NS_MAX = 1000 * 1000, /* a longer one counts as this */
    PLACEMENT_CALL_NS_MAX = 500 * 1000, /* a call of one takes no longer, on the average */
    PLACEMENT_LOOK_NS = 10 * 1000 * 1000, /* so often it is asked whether a call lasts */
    PLACEMENT_ANYWHERE = -1,
    PLACEMENT_AS_IT_IS = -2
};

struct placement {
    int cpu; /* that it is kept to, or PLACEMENT_ANYWHERE */
    uint32_t lone;
    uint64_t gap_ns, last_ns; /* running mean between calls; when the last one left */
};

#define PLACEMENT_INITIAL ((struct placement){.cpu = PLACEMENT_ANYWHERE})

/* Calls leave for the worker at sent_ns, on whose hands are `load` of them then, of service_ns on the
 * average; the dispatcher runs on `cpu`. Where it is to be from now on: a core, PLACEMENT_ANYWHERE, or
 * PLACEMENT_AS_IT_IS.
 */
int placement_next(struct placement *p, uint64_t sent_ns, uint32_t load, uint64_t service_ns, int cpu);

/* A call has lasted for busy_ns by now. As above; it may only let go. */
int placement_look(struct placement *p, uint64_t busy_ns);

#endif
