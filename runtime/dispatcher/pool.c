#include "dispatcher/function_internal.h"

#include "dispatcher/retry.h"
#include "dispatcher/stage.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <stdlib.h>

static const uint64_t START_BACKOFF_NS = 100 * NS_PER_MS, START_BACKOFF_MAX_NS = 30 * NS_PER_S;

static struct slot *slot_create(struct pool *p)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->pool = p;
    queue_owner_init(&slot->owner);
    TAILQ_INSERT_TAIL(&p->slots, slot, link);
    p->count++;
    return slot;
}

static void slot_destroy(struct slot *slot)
{
    CHECK(TAILQ_EMPTY(&slot->owner.ready));
    TAILQ_REMOVE(&slot->pool->slots, slot, link);
    slot->pool->count--;
    free(slot);
}

void pool_adopt(struct pool *p, struct worker *probe)
{
    struct slot *slot = slot_create(p);
    if (!slot) {
        stage_discard_worker(probe); /* its prober may be gone before it is */
        return;
    }
    slot->worker = probe;
    slot->ready = true;
    slot->ready_ns = clock_now_ns();
    worker_set_user(probe, &dispatch_worker_events, slot);
}

struct pool *pool_create(struct function *f, struct revision *revision)
{
    struct pool *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->function = f;
    p->revision = revision;
    TAILQ_INIT(&p->slots);
    TAILQ_INSERT_HEAD(&f->pools, p, link);
    return p;
}

void pool_discard(struct pool *p)
{
    TAILQ_REMOVE(&p->function->pools, p, link);
    free(p);
}

static void destroy_if_empty(struct pool *p)
{
    struct function *f = p->function;
    if (!p->draining || p->count)
        return;
    TAILQ_REMOVE(&f->pools, p, link);
    if (f->active == p)
        f->active = NULL;
    revision_drop(p->revision);
    free(p);
    function_check_end(f);
}

void pool_drain(struct pool *p)
{
    struct slot *slot;
    p->draining = true;
    TAILQ_FOREACH (slot, &p->slots, link) {
        if (!worker_is_stopping(slot->worker))
            worker_stop(slot->worker);
    }
    destroy_if_empty(p);
}

void pool_kill(struct pool *p)
{
    struct slot *slot;
    p->draining = true;
    TAILQ_FOREACH (slot, &p->slots, link) {
        worker_kill(slot->worker);
    }
    destroy_if_empty(p);
}

static bool start_one(struct pool *p)
{
    struct diag diag;
    struct slot *slot = slot_create(p);
    if (!slot)
        return false;
    slot->worker =
        worker_start(p->function->node->worker_io, p->revision, &dispatch_worker_events, slot, &diag);
    if (slot->worker) {
        p->starting++;
        return true;
    }
    slot_destroy(slot);
    p->failures++;
    p->retry_start_ns =
        clock_now_ns() + retry_delay_ns(START_BACKOFF_NS, START_BACKOFF_MAX_NS, p->failures, 0);
    function_log(p->function, LOG_ERROR, "%s", diag.text);
    function_arm(p->function, p->retry_start_ns);
    return false;
}

/* A message waits for whoever can take it first; while all that there are have yet to start, it need not wait
 * for them to say so. Those that did not start are not trusted with one. */
static bool may_send_ahead(const struct pool *p)
{
    return p->starting == p->count && !p->failures;
}

/* As many as there are messages that nobody can take, within the manifest's bounds. */
static uint32_t wanted(const struct pool *p)
{
    const struct manifest *m = p->revision->manifest;
    uint32_t work = queue_has_ready(&p->function->queue) ? p->function->queue.waiting : 0;
    uint32_t want = p->count - (p->starting - p->ahead) + work;
    want = want < m->instances_min ? m->instances_min : want;
    return want > m->instances_max ? m->instances_max : want;
}

bool pool_fill(struct pool *p)
{
    if (p->draining)
        return false;
    uint32_t want = wanted(p), before = p->count;
    if (p->count >= want)
        return false;
    if (p->retry_start_ns && clock_now_ns() < p->retry_start_ns) {
        function_arm(p->function, p->retry_start_ns);
        return false;
    }
    /* After a failure one at a time: no fork storm. */
    if (p->failures && p->starting)
        return false;
    while (p->count < want && start_one(p) && !p->failures) {
    }
    return p->count > before && may_send_ahead(p);
}

static bool has_work(const struct slot *slot)
{
    return queue_has_ready(&slot->pool->function->queue) || !TAILQ_EMPTY(&slot->owner.ready);
}

static bool can_take(const struct slot *slot, bool ahead)
{
    return slot->ready ? worker_can_take(slot->worker) : ahead && worker_can_take_ahead(slot->worker);
}

struct slot *pool_pick(struct pool *p)
{
    struct slot *slot, *best = NULL;
    bool ahead = may_send_ahead(p);
    TAILQ_FOREACH (slot, &p->slots, link) {
        if (!can_take(slot, ahead) || !has_work(slot))
            continue;
        if (!best || worker_load(slot->worker) < worker_load(best->worker))
            best = slot;
    }
    return best;
}

uint64_t pool_rest(struct pool *p, uint64_t now_ns)
{
    const struct manifest *m = p->revision->manifest;
    uint64_t next_ns = CLOCK_NEVER;
    struct slot *slot;
    uint32_t spare = p->count > m->instances_min ? p->count - m->instances_min : 0;
    TAILQ_FOREACH (slot, &p->slots, link) {
        uint64_t since_ns = slot->ready ? worker_idle_since_ns(slot->worker) : CLOCK_NEVER;
        if (since_ns == CLOCK_NEVER || spare == 0)
            continue;
        uint64_t until_ns = since_ns + m->instances_idle_ns;
        if (until_ns <= now_ns) {
            slot->ready = false;
            worker_stop(slot->worker);
            spare--;
        } else if (until_ns < next_ns) {
            next_ns = until_ns;
        }
    }
    return next_ns;
}

void pool_slot_sent(struct slot *slot)
{
    if (slot->ready)
        return;
    slot->is_ahead = true;
    slot->pool->ahead++;
}

static void no_longer_starts(struct slot *slot)
{
    slot->pool->starting--;
    slot->pool->ahead -= slot->is_ahead;
    slot->is_ahead = false;
}

void pool_slot_ready(struct slot *slot)
{
    slot->ready = true;
    slot->ready_ns = clock_now_ns();
    no_longer_starts(slot);
    slot->pool->retry_start_ns = 0;
}

void pool_slot_served(struct slot *slot)
{
    slot->has_served = true;
    slot->pool->failures = 0;
}

/* What gets ready and falls over must not be started again at once, for ever: no fork storm. */
static void back_off(struct pool *p, const char *what, const char *text)
{
    uint64_t delay_ns = retry_delay_ns(START_BACKOFF_NS, START_BACKOFF_MAX_NS, ++p->failures, 0);
    p->retry_start_ns = clock_now_ns() + delay_ns;
    function_log(p->function, LOG_ERROR, "version=%s %s: %s; next try in %llu ms", p->revision->version, what,
                 text, (unsigned long long)(delay_ns / NS_PER_MS));
}

void pool_slot_ended(struct slot *slot, bool is_useless, const char *text)
{
    struct pool *p = slot->pool;
    bool was_ready = slot->ready_ns != 0;
    bool was_steady = was_ready && clock_now_ns() - slot->ready_ns >= START_BACKOFF_MAX_NS;
    bool failed = is_useless && !slot->has_served && !p->draining;
    if (!was_ready)
        no_longer_starts(slot);
    slot_destroy(slot);
    if (was_steady)
        p->failures = 0;
    if (failed)
        back_off(p, was_ready ? "does not stay up" : "cannot start", text);
    destroy_if_empty(p);
}
