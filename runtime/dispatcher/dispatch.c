#include "dispatcher/function_internal.h"

#include "dispatcher/retry.h"
#include "shared/clock.h"

#include <stdio.h>

enum { REASONS_MAX = 64 }; /* to pump, before it is done without waiting for the turn's end */

static struct invocation *of_call(struct call *call)
{
    return (struct invocation *)((char *)call - offsetof(struct invocation, call));
}

static struct invocation *of_item(struct queue_item *item)
{
    return (struct invocation *)((char *)item - offsetof(struct invocation, item));
}

/* ---- queue to worker ---- */

static uint32_t expiry_left_s(const struct mqtt_message *message, uint64_t now_ns)
{
    uint64_t waited_s = (now_ns - message->received_ns) / NS_PER_S;
    return waited_s >= message->expiry_s ? 0 : message->expiry_s - (uint32_t)waited_s;
}

static struct wire_message to_wire(const struct mqtt_message *m, uint64_t now_ns)
{
    return (struct wire_message){.topic = m->topic,
                                 .payload = m->payload,
                                 .content_type = m->content_type,
                                 .response_topic = m->response_topic,
                                 .correlation = m->correlation,
                                 .properties = m->properties,
                                 .property_count = m->property_count,
                                 .expiry_s = m->has_expiry ? expiry_left_s(m, now_ns) : 0,
                                 .qos = m->qos,
                                 .retained = m->retained};
}

static const struct manifest_trigger *find_trigger(const struct manifest *m, const struct invocation *inv,
                                                   struct topic_captures *ret_captures)
{
    ret_captures->count = 0;
    return inv->tick ? trigger_find_timer(m, inv->tick->name) : trigger_find(m, inv->message, ret_captures);
}

/* call->captures are set. */
static void invoke(struct slot *slot, struct invocation *inv, struct wire_invoke *call, uint64_t now_ns)
{
    call->chain = queue_chain(&inv->item);
    call->timeout_ns = slot->pool->revision->manifest->timeout_ns;
    call->attempt = inv->attempts + 1;
    call->message = to_wire(inv->message, now_ns);
    inv->slot = slot;
    inv->started_ns = now_ns;
    worker_invoke(slot->worker, &inv->call, call, now_ns);
    pool_slot_sent(slot);
}

/* The active version has nothing that it would trigger. A tick is not missed: nobody wants it any more. */
static void lost_its_trigger(struct invocation *inv)
{
    if (inv->tick)
        release_discard(inv);
    else
        dead_letter(inv, GIVE_UP_NO_TRIGGER, "no trigger of the active version matches");
}

static void dispatch(struct slot *slot, struct invocation *inv, uint64_t now_ns)
{
    struct function *f = inv->function;
    const struct manifest_trigger *trigger;
    struct wire_invoke call; /* its captures stay unset beyond their count: half a KiB for each message */
    if (inv->message->has_expiry && expiry_left_s(inv->message, now_ns) == 0) {
        queue_done(&f->queue, &inv->item, true);
        function_log(f, LOG_WARN, "a message on %.*s expired while it waited",
                     SLICE_ARG(inv->message->topic));
        error_reply_and_discard(inv, GIVE_UP_EXPIRED, "expired while it waited");
    } else if (!(trigger = find_trigger(slot->pool->revision->manifest, inv, &call.captures))) {
        queue_done(&f->queue, &inv->item, true);
        lost_its_trigger(inv);
    } else {
        inv->note = trigger_note(trigger, inv->message->topic, &call.captures);
        invoke(slot, inv, &call, now_ns);
    }
}

static struct slice key_of(void *user, const struct queue_item *item)
{
    const struct function *f = user;
    const struct invocation *inv =
        (const struct invocation *)((const char *)item - offsetof(struct invocation, item));
    return trigger_order_key(f->active->revision->manifest, inv->message);
}

/* Not acknowledged: it stays with the broker. */
static void lost(void *user, struct queue_item *item)
{
    struct function *f = user;
    function_log(f, LOG_ERROR, "no memory for %s %.*s", INVOCATION_ARG(of_item(item)));
    invocation_destroy(of_item(item));
}

/* Another `order`. No memory: tried again at the next turn; until then nothing is dispatched. */
static void rekey(struct function *f)
{
    f->rekey = queue_rekey(&f->queue, &(struct queue_rekeying){key_of, lost, f}) != 0;
}

static bool may_dispatch(struct function *f)
{
    if (f->rekey && queue_in_flight(&f->queue) == 0)
        rekey(f);
    return !f->rekey && f->releasing < f->active->revision->manifest->limit_queue &&
           f->releasing_bytes < RELEASING_BYTES_MAX;
}

static void forget_reasons(struct function *f)
{
    if (f->reasons)
        TAILQ_REMOVE(&f->node->hungry, f, hungry_link);
    f->reasons = 0;
}

/* Not re-entered: what a callback of it makes ready is taken by the loop that runs. */
void function_pump(struct function *f)
{
    struct slot *slot;
    uint64_t now_ns = clock_now_ns();
    forget_reasons(f);
    if (f->pumping || !f->active || f->phase == FUNCTION_CLOSING)
        return;
    f->pumping = true;
    do {
        while (may_dispatch(f) && (slot = pool_pick(f->active)))
            dispatch(slot, of_item(queue_next(&f->queue, &slot->owner)), now_ns);
    } while (pool_fill(f->active));
    f->pumping = false;
    function_arm(f, queue_due(&f->queue));
}

/* A turn may bring hundreds of reasons. It may also be long, and the workers shall not wait for its end. */
void function_pump_soon(struct function *f)
{
    if (f->phase == FUNCTION_CLOSING)
        return;
    if (f->reasons++ == 0)
        TAILQ_INSERT_TAIL(&f->node->hungry, f, hungry_link);
    if (f->reasons >= REASONS_MAX)
        function_pump(f);
}

void node_pump(struct node *node)
{
    struct function *f;
    while ((f = TAILQ_FIRST(&node->hungry)))
        function_pump(f);
}

/* ---- worker to queue ---- */

static void observe(struct invocation *inv, const char *outcome, uint64_t ended_ns)
{
    struct node *node = inv->function->node;
    node->observer->finished(node->observer_user, inv->function->name, inv->message, outcome,
                             ended_ns - inv->started_ns);
}

static void settle(const struct function *f)
{
    f->node->observer->settled(f->node->observer_user);
}

static void try_later(struct invocation *inv)
{
    struct function *f = inv->function;
    const struct manifest *m = inv->slot->pool->revision->manifest;
    uint64_t delay_ns =
        retry_delay_ns(m->retry_backoff_ns, m->retry_max_backoff_ns, inv->attempts, node_random(f->node));
    inv->slot = NULL;
    queue_delay(&f->queue, &inv->item, clock_now_ns() + delay_ns);
}

static void give_up(struct invocation *inv, enum give_up cause, const char *reason)
{
    inv->slot = NULL;
    queue_done(&inv->function->queue, &inv->item, false);
    dead_letter(inv, cause, reason);
}

/* An attempt that counts has failed. */
static void attempt_failed(struct invocation *inv, enum give_up cause, const char *reason)
{
    const struct manifest *m = inv->slot->pool->revision->manifest;
    outbox_clear(&inv->outbox);
    inv->attempts++;
    if (inv->attempts < m->retry_attempts)
        try_later(inv);
    else
        give_up(inv, cause, reason);
}

static void run_again(struct invocation *inv)
{
    outbox_clear(&inv->outbox);
    inv->slot = NULL;
    queue_again(&inv->function->queue, &inv->item);
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    struct slot *slot = user;
    struct invocation *inv = of_call(call);
    struct function *f = slot->pool->function;
    uint64_t answered_ns = worker_answered_ns(w);
    pool_slot_served(slot);
    switch (result) {
    case WIRE_RESULT_OK:
        observe(inv, "ok", answered_ns);
        inv->attempts++;
        inv->slot = NULL;
        queue_done(&f->queue, &inv->item, true);
        release_outputs(inv);
        break;
    case WIRE_RESULT_RETRY:
        observe(inv, "retry", answered_ns);
        attempt_failed(inv, GIVE_UP_RETRY, "retry: attempts used up");
        break;
    case WIRE_RESULT_REJECT:
        observe(inv, "reject", answered_ns);
        outbox_clear(&inv->outbox);
        inv->attempts++;
        give_up(inv, GIVE_UP_REJECT, "rejected");
        break;
    case WIRE_RESULT_SKIPPED:
        run_again(inv);
        break;
    }
    if (result != WIRE_RESULT_SKIPPED)
        settle(f);
    function_pump_soon(f);
    if (worker_load(slot->worker) == 0)
        function_arm(f, clock_now_ns() + slot->pool->revision->manifest->instances_idle_ns);
}

static const struct topic_captures *captures_of(struct slot *slot, const struct invocation *inv)
{
    if (slot->captured_call != inv->call.id)
        trigger_recall(&inv->note, inv->message->topic, &slot->captures);
    slot->captured_call = inv->call.id;
    return &slot->captures;
}

static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    struct slot *slot = user;
    struct invocation *inv = of_call(call);
    (void)w;
    struct outbox_rules rules = {.manifest = slot->pool->revision->manifest,
                                 .captures = captures_of(slot, inv),
                                 .response_topic = inv->message->response_topic};
    return outbox_lend(&inv->outbox, &rules, header, body, diag);
}

static int on_keep(void *user, struct worker *w, struct call *call, struct diag *diag)
{
    (void)user, (void)w;
    return outbox_keep(&of_call(call)->outbox, diag);
}

static void on_ready(void *user, struct worker *w)
{
    struct slot *slot = user;
    struct function *f = slot->pool->function;
    (void)w;
    pool_slot_ready(slot);
    function_arm(f, clock_now_ns() + slot->pool->revision->manifest->instances_idle_ns);
    function_pump(f);
}

static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    struct slot *slot = user;
    log_line((enum log_level)(level < LOG_DEBUG   ? LOG_DEBUG
                              : level > LOG_ERROR ? LOG_ERROR
                                                  : level),
             "function=%s worker=%u %.*s", slot->pool->function->name, worker_id(w), SLICE_ARG(text));
}

static void say_end(struct slot *slot, struct worker *w, const struct worker_end *end)
{
    struct function *f = slot->pool->function;
    const struct invocation *inv = end->guilty ? of_call(end->guilty) : NULL;
    if (end->cause == WORKER_STOPPED)
        return;
    if (!inv)
        function_log(f, LOG_WARN, "worker=%u %s", worker_id(w), end->text);
    else
        function_log(f, LOG_WARN, "worker=%u %s, with %s %.*s (attempt %u of %u)", worker_id(w), end->text,
                     INVOCATION_ARG(inv), inv->attempts + 1, slot->pool->revision->manifest->retry_attempts);
}

static void blame(struct invocation *inv, const struct worker_end *end)
{
    static const char *const words[] = {
        [WORKER_CRASHED] = "crash", [WORKER_LATE] = "timeout", [WORKER_BROKEN] = "broken"};
    struct function *f = inv->function;
    char reason[512];
    snprintf(reason, sizeof reason, "%s: %s", words[end->cause], end->text);
    observe(inv, reason, clock_now_ns());
    attempt_failed(inv, end->cause == WORKER_LATE ? GIVE_UP_TIMEOUT : GIVE_UP_CRASH, reason);
    settle(f);
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct slot *slot = user;
    struct function *f = slot->pool->function;
    struct call *call;
    if (end->was_ready)
        say_end(slot, w, end);
    while ((call = TAILQ_FIRST(&end->left))) {
        TAILQ_REMOVE(&end->left, call, link);
        if (call == end->guilty && f->phase != FUNCTION_CLOSING) /* its client may be gone already */
            blame(of_call(call), end);
        else
            run_again(of_call(call));
    }
    bool is_useless = !end->was_ready || (end->cause != WORKER_STOPPED && !end->guilty);
    pool_slot_ended(slot, is_useless, end->text); /* may free the pool, not the function */
    function_pump(f);
    function_check_end(f);
}

const struct worker_events dispatch_worker_events = {.ready = on_ready,
                                                     .output = on_output,
                                                     .keep = on_keep,
                                                     .result = on_result,
                                                     .log = on_log,
                                                     .ended = on_ended};
