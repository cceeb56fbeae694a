/* queue.h: which message is next? Lanes keep the order within a key, everything else runs past. Pure.
 *
 * In the dispatcher, one queue a function. A lane is all that shares an order key (a topic, a capture's
 * value, everything); with no key each item has a lane of its own. While items of a lane are on their way to
 * a worker (the lane's owner), more of the lane go only there, behind them: a worker takes calls in order. An
 * item that must run again goes back to its place, and its lane waits with it. */
#ifndef HARK_DISPATCHER_QUEUE_H
#define HARK_DISPATCHER_QUEUE_H

#include "shared/slabs.h"
#include "shared/slice.h"

#include <stdint.h>
#include <sys/queue.h>

struct lane;
TAILQ_HEAD(lane_list, lane);

/* Embedded in what waits. All fields are the queue's. */
struct queue_item {
    TAILQ_ENTRY(queue_item) link;
    TAILQ_ENTRY(queue_item) drop_link;
    struct lane *lane;
    uint64_t sequence; /* of arrival */
    bool droppable, waiting;
};
TAILQ_HEAD(queue_item_list, queue_item);

/* Embedded in a worker's slot: the lanes that must go on there. */
struct queue_owner {
    struct lane_list ready;
};

struct queue {
    struct slabs *slabs;   /* lanes are from there; NULL: from malloc */
    struct lane **buckets; /* allocated with the first keyed item */
    uint64_t seed;
    uint64_t last_sequence, last_chain;
    uint64_t begun; /* sequence of the youngest item that has been on its way */
    uint32_t waiting, in_flight, lanes;
    struct lane_list ready;           /* free to go to any worker */
    struct lane_list delayed;         /* by due time */
    struct queue_item_list droppable; /* waiting ones, oldest first */
};

/* seed: of the hash of keys, so that devices cannot choose topics that collide. */
void queue_init(struct queue *q, uint64_t seed, struct slabs *slabs);
/* All items are gone already. */
void queue_finish(struct queue *q);
void queue_owner_init(struct queue_owner *owner);

/* Adds an item at the end. key.data == NULL: no order. droppable: QoS 0. -ENOMEM. */
__attribute__((warn_unused_result)) int queue_push(struct queue *q, struct queue_item *item, struct slice key,
                                                   bool droppable);

/* The oldest item that may go to `owner` now, which becomes its lane's owner; NULL: none. It is in flight
 * until one of the calls below. */
struct queue_item *queue_next(struct queue *q, struct queue_owner *owner);
/* Items on their way. */
static inline uint32_t queue_in_flight(const struct queue *q)
{
    return q->in_flight;
}
bool queue_has_ready(const struct queue *q); /* is there something for a worker that owns nothing? */
/* The value for wire_invoke.chain: changes when the lane has to stop what is on its way. 0: no order. */
uint64_t queue_chain(const struct queue_item *item);

/* The item is over: it leaves the queue. ok: its worker was told WIRE_RESULT_OK by the function, and goes on
 * with what it has of the lane; else it skips that, and the lane takes a new chain. */
void queue_done(struct queue *q, struct queue_item *item, bool ok);
/* It must run again, at once (its worker died, or skipped it): back to its place. */
void queue_again(struct queue *q, struct queue_item *item);
/* It must run again at due_ns: back to its place, and its lane waits. What of the lane is still on its way
 * will be skipped by the worker. */
void queue_delay(struct queue *q, struct queue_item *item, uint64_t due_ns);

/* Another order: all that waits gets new keys, in the order it came, delayed or not. Nothing is in flight.
 * key_of: as for queue_push. What there is no memory for leaves the queue, and `lost` is told.
 * -ENOMEM: nothing was done. */
struct queue_rekeying {
    struct slice (*key_of)(void *user, const struct queue_item *item);
    void (*lost)(void *user, struct queue_item *item);
    void *user;
};
__attribute__((warn_unused_result)) int queue_rekey(struct queue *q, const struct queue_rekeying *rekeying);

/* When the next delayed lane is due, or CLOCK_NEVER; and: makes due what is due. */
uint64_t queue_due(const struct queue *q);
void queue_wake(struct queue *q, uint64_t now_ns);

/* Acknowledgements leave in the order of arrival, so who wants an end without repeats has to finish all that
 * is older than the youngest item that was begun. Takes a waiting item out if it is younger; false: it stays.
 */
bool queue_drop_unbegun(struct queue *q, struct queue_item *item);
/* Something that came behind all that waits is over, without having been an item. */
void queue_all_begun(struct queue *q);

/* Takes the oldest droppable waiting item out, or NULL. */
struct queue_item *queue_drop_oldest(struct queue *q);
/* Takes any waiting item out, delayed or not; NULL: none waits. For the end: nothing is in flight. */
struct queue_item *queue_drop_any(struct queue *q);

#endif
