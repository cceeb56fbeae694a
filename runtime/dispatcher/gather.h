/* gather.h: is it worth waiting a moment before the broker's next messages are read? Pure.
 *
 * In a flood a broker that hands out messages one by one wakes us for each of them, which costs it more than
 * the message does, and us and the worker as much again. Who looks away for a moment is not woken, and finds
 * several messages where there would have been one: network cards do the same with their interrupts. It is no
 * gain where nothing more comes until we have answered, so the rate with pauses is compared with the one
 * before, and no pause is made where messages come together anyway, in a conversation of one at a time, at
 * low rates, or while a second function has messages: the loop is one for all, and they shall not wait for
 * each other. */
#ifndef HARK_DISPATCHER_GATHER_H
#define HARK_DISPATCHER_GATHER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GATHER_PAUSE_NS = 60 * 1000,            /* what the kernel adds to it, timerslack(7), is some 50 µs */
    GATHER_PERIOD_NS = 10 * 1000 * 1000,    /* a rate is that of so long */
    GATHER_RATE_MIN = 10 * 1000,            /* messages a second */
    GATHER_TOGETHER = 8,                    /* so many in a turn share their costs already */
    GATHER_RETRY_MIN_NS = 50 * 1000 * 1000, /* after pauses that were no gain; doubles */
    GATHER_RETRY_MAX_NS =
        1000 * 1000 * 1000,               /* also: so long after a message for somebody else there are none */
    GATHER_SILENCE_NS = 50 * 1000 * 1000, /* without a turn: what was learned is forgotten */
    GATHER_POOR_PERIODS = 3,              /* in a row are no chance: one may be */
    GATHER_PERIODS_MAX = 100              /* then the rate without pauses is looked at again */
};

/* All zero to begin with. */
struct gather {
    const void *who;             /* the messages of this period are for; NULL: none came */
    uint32_t turn, turns;        /* messages of this turn; turns with messages, of this period */
    uint32_t messages, overlaps; /* of this period; those that came before another was done */
    uint64_t began_ns;
    uint64_t retry_ns, retry_in_ns; /* no pauses until then; the delay that led there */
    uint32_t rate_before;           /* messages a second, without pauses */
    uint32_t poor_periods;          /* in a row, of those */
    uint32_t paused_periods;        /* 0: no pauses are made */
    bool mixed;                     /* there were messages for two */
};

/* A message came for `who`; is_alone: it has no other at work. */
void gather_heard(struct gather *g, const void *who, bool is_alone);

/* A turn of the loop is over, and all that it had to send is sent. How long to wait before the next; 0: not.
 */
uint64_t gather_turn(struct gather *g, uint64_t now_ns);

#endif
