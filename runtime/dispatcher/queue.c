#include "dispatcher/queue.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct lane {
    struct lane *next_in_bucket;
    TAILQ_ENTRY(lane) link; /* in `list` */
    struct lane_list *list; /* NULL: in none */
    struct queue_item_list items;
    struct queue_owner *owner; /* NULL: nothing in flight */
    uint64_t due_ns;           /* 0: not delayed */
    uint64_t chain;            /* 0: no key */
    uint64_t hash;
    uint32_t in_flight;
    bool halted; /* what is on its way comes back first: it will be skipped, and stands before what waits */
    size_t key_len;
    char key[];
};

void queue_init(struct queue *q, uint64_t seed, struct slabs *slabs)
{
    *q = (struct queue){.slabs = slabs, .seed = seed};
    TAILQ_INIT(&q->ready);
    TAILQ_INIT(&q->delayed);
    TAILQ_INIT(&q->droppable);
}

void queue_finish(struct queue *q)
{
    CHECK(q->waiting == 0 && q->in_flight == 0 && q->lanes == 0);
    free(q->buckets);
    q->buckets = NULL;
}

void queue_owner_init(struct queue_owner *owner)
{
    TAILQ_INIT(&owner->ready);
}

/* ---- lanes ---- */

/* FNV-1a with a secret start, then a finaliser (the one of MurmurHash3). */
static uint64_t hash_key(const struct queue *q, struct slice key)
{
    uint64_t hash = 14695981039346656037ull ^ q->seed;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211ull;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdull;
    return hash ^ hash >> 33;
}

static struct lane *lane_create(struct queue *q, struct slice key)
{
    struct lane *lane = slabs_take(q->slabs, sizeof *lane + key.len);
    if (!lane)
        return NULL;
    *lane = (struct lane){.key_len = key.len};
    if (key.len)
        memcpy(lane->key, key.data, key.len);
    TAILQ_INIT(&lane->items);
    q->lanes++;
    return lane;
}

static struct lane *lane_find_or_create(struct queue *q, struct slice key)
{
    if (!q->buckets && !(q->buckets = calloc(BUCKETS, sizeof(struct lane *))))
        return NULL;
    uint64_t hash = hash_key(q, key);
    struct lane **bucket = &q->buckets[hash % BUCKETS];
    for (struct lane *lane = *bucket; lane; lane = lane->next_in_bucket) {
        if (lane->hash == hash && slice_equal(slice_make(lane->key, lane->key_len), key))
            return lane;
    }
    struct lane *lane = lane_create(q, key);
    if (!lane)
        return NULL;
    lane->hash = hash;
    lane->chain = ++q->last_chain;
    lane->next_in_bucket = *bucket;
    *bucket = lane;
    return lane;
}

static void lane_destroy(struct queue *q, struct lane *lane)
{
    if (lane->chain) {
        struct lane **at = &q->buckets[lane->hash % BUCKETS];
        while (*at != lane)
            at = &(*at)->next_in_bucket;
        *at = lane->next_in_bucket;
    }
    q->lanes--;
    slabs_give(q->slabs, lane, sizeof *lane + lane->key_len);
}

static uint64_t lane_sequence(const struct lane *lane)
{
    return TAILQ_FIRST(&lane->items)->sequence;
}

static void list_insert(struct lane_list *list, struct lane *lane)
{
    struct lane *first = TAILQ_FIRST(list);
    if (first && lane_sequence(lane) < lane_sequence(first))
        TAILQ_INSERT_HEAD(list, lane, link);
    else
        TAILQ_INSERT_TAIL(list, lane, link);
    lane->list = list;
}

static void list_insert_delayed(struct lane_list *list, struct lane *lane)
{
    struct lane *before = TAILQ_LAST(list, lane_list);
    while (before && before->due_ns > lane->due_ns)
        before = TAILQ_PREV(before, lane_list, link);
    if (before)
        TAILQ_INSERT_AFTER(list, before, lane, link);
    else
        TAILQ_INSERT_HEAD(list, lane, link);
    lane->list = list;
}

/* Puts a lane into the list where it belongs after a change; frees one that is empty. */
static void lane_place(struct queue *q, struct lane *lane)
{
    if (lane->list)
        TAILQ_REMOVE(lane->list, lane, link);
    lane->list = NULL;
    if (lane->in_flight == 0) {
        lane->owner = NULL;
        lane->halted = false;
    }
    if (TAILQ_EMPTY(&lane->items)) {
        if (lane->in_flight == 0)
            lane_destroy(q, lane);
        return;
    }
    if (lane->due_ns && lane->in_flight == 0)
        list_insert_delayed(&q->delayed, lane);
    else if (!lane->due_ns && !lane->halted)
        list_insert(lane->owner ? &lane->owner->ready : &q->ready, lane);
}

/* ---- items ---- */

static void item_enter(struct queue *q, struct queue_item *item)
{
    item->waiting = true;
    q->waiting++;
    if (item->droppable)
        TAILQ_INSERT_TAIL(&q->droppable, item, drop_link);
}

static void item_leave(struct queue *q, struct queue_item *item)
{
    TAILQ_REMOVE(&item->lane->items, item, link);
    if (item->droppable)
        TAILQ_REMOVE(&q->droppable, item, drop_link);
    item->waiting = false;
    q->waiting--;
}

int queue_push(struct queue *q, struct queue_item *item, struct slice key, bool droppable)
{
    struct lane *lane = key.data ? lane_find_or_create(q, key) : lane_create(q, slice_make(NULL, 0));
    if (!lane)
        return -ENOMEM;
    *item = (struct queue_item){.lane = lane, .sequence = ++q->last_sequence, .droppable = droppable};
    bool was_empty = TAILQ_EMPTY(&lane->items);
    TAILQ_INSERT_TAIL(&lane->items, item, link);
    item_enter(q, item);
    if (was_empty)
        lane_place(q, lane);
    return 0;
}

struct queue_item *queue_next(struct queue *q, struct queue_owner *owner)
{
    struct lane *lane = TAILQ_FIRST(&q->ready), *own = TAILQ_FIRST(&owner->ready);
    if (!lane || (own && lane_sequence(own) < lane_sequence(lane)))
        lane = own;
    if (!lane)
        return NULL;
    struct queue_item *item = TAILQ_FIRST(&lane->items);
    item_leave(q, item);
    if (item->sequence > q->begun)
        q->begun = item->sequence;
    lane->owner = owner;
    lane->in_flight++;
    q->in_flight++;
    lane_place(q, lane);
    return item;
}

bool queue_has_ready(const struct queue *q)
{
    return !TAILQ_EMPTY(&q->ready);
}

uint64_t queue_chain(const struct queue_item *item)
{
    return item->lane->chain;
}

static struct lane *land(struct queue *q, struct queue_item *item)
{
    CHECK(item->lane->in_flight > 0 && !item->waiting);
    item->lane->in_flight--;
    q->in_flight--;
    return item->lane;
}

static void break_chain(struct queue *q, struct lane *lane)
{
    lane->halted = true;
    if (lane->chain)
        lane->chain = ++q->last_chain;
}

void queue_done(struct queue *q, struct queue_item *item, bool ok)
{
    struct lane *lane = land(q, item);
    if (!ok)
        break_chain(q, lane);
    lane_place(q, lane);
    item->lane = NULL;
}

/* Items come back in the order they left, and what waits is younger than what was in flight. */
static void put_back(struct queue *q, struct queue_item *item)
{
    struct lane *lane = item->lane;
    struct queue_item *behind = TAILQ_FIRST(&lane->items);
    while (behind && behind->sequence < item->sequence)
        behind = TAILQ_NEXT(behind, link);
    if (behind)
        TAILQ_INSERT_BEFORE(behind, item, link);
    else
        TAILQ_INSERT_TAIL(&lane->items, item, link);
    item_enter(q, item);
}

void queue_again(struct queue *q, struct queue_item *item)
{
    struct lane *lane = land(q, item);
    put_back(q, item);
    lane_place(q, lane);
}

void queue_delay(struct queue *q, struct queue_item *item, uint64_t due_ns)
{
    struct lane *lane = land(q, item);
    lane->due_ns = due_ns ? due_ns : 1;
    break_chain(q, lane);
    put_back(q, item);
    lane_place(q, lane);
}

uint64_t queue_due(const struct queue *q)
{
    const struct lane *lane = TAILQ_FIRST(&q->delayed);
    return lane ? lane->due_ns : CLOCK_NEVER;
}

void queue_wake(struct queue *q, uint64_t now_ns)
{
    struct lane *lane;
    while ((lane = TAILQ_FIRST(&q->delayed)) && lane->due_ns <= now_ns) {
        lane->due_ns = 0;
        lane_place(q, lane);
    }
}

static struct queue_item *take_out(struct queue *q, struct queue_item *item)
{
    struct lane *lane = item->lane;
    CHECK(lane);
    item_leave(q, item);
    lane_place(q, lane);
    item->lane = NULL;
    return item;
}

bool queue_drop_unbegun(struct queue *q, struct queue_item *item)
{
    if (!item->waiting || item->sequence <= q->begun)
        return false;
    take_out(q, item);
    return true;
}

void queue_all_begun(struct queue *q)
{
    q->begun = q->last_sequence;
}

struct queue_item *queue_drop_oldest(struct queue *q)
{
    struct queue_item *item = TAILQ_FIRST(&q->droppable);
    return item ? take_out(q, item) : NULL;
}

struct queue_item *queue_drop_any(struct queue *q)
{
    struct lane *lane = TAILQ_FIRST(&q->ready);
    if (!lane)
        lane = TAILQ_FIRST(&q->delayed);
    return lane ? take_out(q, TAILQ_FIRST(&lane->items)) : NULL;
}

static int by_sequence(const void *a, const void *b)
{
    const struct queue_item *first = *(struct queue_item *const *)a, *second = *(struct queue_item *const *)b;
    return first->sequence < second->sequence ? -1 : first->sequence > second->sequence;
}

int queue_rekey(struct queue *q, const struct queue_rekeying *rekeying)
{
    CHECK(q->in_flight == 0);
    uint32_t count = 0, waiting = q->waiting;
    struct queue_item **items = calloc(waiting ? waiting : 1, sizeof(struct queue_item *)), *item;
    if (!items)
        return -ENOMEM;
    while ((item = queue_drop_any(q)))
        items[count++] = item;
    qsort(items, count, sizeof(struct queue_item *), by_sequence);
    bool some_begun = count && items[0]->sequence < q->begun;
    for (uint32_t i = 0; i < count; i++) {
        struct slice key = rekeying->key_of(rekeying->user, items[i]);
        if (queue_push(q, items[i], key, items[i]->droppable))
            rekeying->lost(rekeying->user, items[i]);
    }
    if (some_begun)
        queue_all_begun(q);
    free(items);
    return 0;
}
