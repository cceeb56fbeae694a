/* zygote_health.h: does the zygote still answer? A process that is stopped, or hangs, keeps its socket open.
 *
 * Pure: the caller brings a monotonic clock, and looks every HEALTH_LOOK_NS. What is owed an answer is a
 * question: its start, an order to fork, a ping; anything that it says answers all of them. A ping is wanted
 * only of a zygote that is owed none and said nothing since the last look. A look that comes late was held up
 * together with everything else here (hark was stopped, the machine paused), and the answer may lie unread:
 * then the time of the question begins anew. */
#ifndef HARK_DISPATCHER_ZYGOTE_HEALTH_H
#define HARK_DISPATCHER_ZYGOTE_HEALTH_H

#include "shared/clock.h"

#include <stdbool.h>

#define HEALTH_LOOK_NS  (4 * NS_PER_S)
#define HEALTH_LATE_NS  (2 * HEALTH_LOOK_NS) /* since the look before */
#define HEALTH_REPLY_NS (8 * NS_PER_S)
#define HEALTH_START_NS (30 * NS_PER_S) /* it makes namespaces and loads libraries before its first word */

enum health_verdict {
    HEALTH_FINE,
    HEALTH_PING, /* ask it, and say so by zygote_health_ask */
    HEALTH_SILENT
};

struct zygote_health {
    uint64_t looked_ns;
    uint64_t asked_ns;    /* the oldest question without an answer */
    uint64_t patience_ns; /* from asked_ns; 0: nothing is asked */
    bool was_heard;       /* since the last look */
};

/* It was just started. */
void zygote_health_begin(struct zygote_health *h, uint64_t now_ns);
/* It was asked something. */
void zygote_health_ask(struct zygote_health *h, uint64_t now_ns);
/* It said something. */
void zygote_health_hear(struct zygote_health *h);

enum health_verdict zygote_health_look(struct zygote_health *h, uint64_t now_ns);

#endif
