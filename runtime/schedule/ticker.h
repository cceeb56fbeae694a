/* ticker.h: what has come due of a timer trigger, and when to look again. Pure: it is told the time.
 *
 * `every` goes by the monotonic clock, on a grid that the seed alone decides: whoever starts again with the
 * same seed goes on with the same ticks. `cron` goes by the wall clock, which may be set: it is looked at
 * once a minute at least; a tick that is more than two minutes late is missed; after the clock was set back
 * by more than a minute it is believed as it is. */
#ifndef HARK_SCHEDULE_TICKER_H
#define HARK_SCHEDULE_TICKER_H

#include "schedule/cron.h"

enum {
    TICKER_LATE_MAX_S = 120,
    TICKER_LOOK_EVERY_S = 60,
    TICKER_MISSED_MAX = 1000 /* are counted at once; there may be more */
};

struct ticker_now {
    uint64_t mono_ns; /* CLOCK_MONOTONIC */
    int64_t wall_ns;  /* CLOCK_REALTIME */
};

struct ticker {
    uint64_t every_ns; /* 0: by cron */
    uint64_t due_ns;   /* of every */
    const struct cron *cron;
    const struct zone *zone;
    int64_t due_s, seen_s; /* of cron: next tick, and the wall clock at the last look */
};

struct ticker_due {
    bool tick;       /* it is time for one */
    uint64_t missed; /* as many more were due, and are not made up for */
};

/* The seed for a timer of a function: another node, function or timer, another phase; the same ones, the same
 * again. */
uint64_t ticker_seed(const char *node, const char *function, const char *timer);

/* The first tick is after now. seed: any number, fixed for one trigger. */
struct ticker ticker_every(uint64_t every_ns, uint64_t seed, struct ticker_now now);
/* Both are borrowed; zone NULL: UTC. */
struct ticker ticker_cron(const struct cron *cron, const struct zone *zone, struct ticker_now now);
/* The same timer goes on by other copies of its cron and zone. */
void ticker_rebind(struct ticker *t, const struct cron *cron, const struct zone *zone);

struct ticker_due ticker_look(struct ticker *t, struct ticker_now now);

/* The moment (monotonic) to look again, at the latest; CLOCK_NEVER: there is nothing to come. */
uint64_t ticker_next_ns(const struct ticker *t, struct ticker_now now);

#endif
