#include "dispatcher/function_internal.h"

#include "dispatcher/hops.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>

static struct invocation *invocation_create(struct function *f, struct mqtt_message *message)
{
    struct invocation *inv = slabs_take(f->node->slabs, sizeof *inv);
    if (!inv)
        return NULL;
    *inv = (struct invocation){.function = f,
                               .message = message,
                               .hops = hops_read(message->properties, message->property_count),
                               .output = {.invocation = inv},
                               .error_reply = {.invocation = inv, .is_error_reply = true}};
    TAILQ_INSERT_TAIL(&f->invocations, inv, house_link);
    f->house++;
    return inv;
}

void invocation_destroy(struct invocation *inv)
{
    struct function *f = inv->function;
    TAILQ_REMOVE(&f->invocations, inv, house_link);
    f->house--;
    if (inv->unburied)
        TAILQ_REMOVE(&f->unburied, inv, unburied_link);
    dead_keeper_forget(&inv->ticket);
    outbox_clear(&inv->outbox);
    free(inv->reason);
    timers_tick_over(inv);
    f->ticks -= inv->tick != NULL;
    free(inv->tick);
    slabs_give(f->node->slabs, inv, sizeof *inv);
}

void function_say_dropped(struct function *f)
{
    if (f->dropped == f->dropped_said || !function_may_say(f, &f->dropped_said_ns))
        return;
    function_log(f, LOG_WARN, "queue is full (limits.queue: %u): dropped %llu of the oldest QoS 0 messages",
                 f->active ? f->active->revision->manifest->limit_queue : 0,
                 (unsigned long long)(f->dropped - f->dropped_said));
    f->dropped_said = f->dropped;
}

static void drop(struct invocation *inv)
{
    inv->function->dropped++;
    release_discard(inv);
}

/* QoS 1 and 2 are held back by our Receive Maximum; QoS 0 has no such brake, so its oldest makes room, unless
 * a worker can take it now. */
static void make_room(struct function *f, uint32_t limit)
{
    if (f->queue.waiting > limit)
        function_pump(f);
    while (f->queue.waiting > limit) {
        struct queue_item *item = queue_drop_oldest(&f->queue);
        if (!item)
            return;
        drop((struct invocation *)((char *)item - offsetof(struct invocation, item)));
    }
    function_say_dropped(f);
}

static bool is_unwanted_retained(const struct manifest *m, const struct mqtt_message *message)
{
    struct topic_captures captures;
    const struct manifest_trigger *trigger = message->retained ? trigger_find(m, message, &captures) : NULL;
    return trigger && !trigger->retained;
}

static void enqueue(struct function *f, const struct manifest *m, struct invocation *inv)
{
    struct mqtt_message *message = inv->message;
    bool is_hopeless = hops_are_used_up(inv->hops) || message->payload.len > m->limit_payload_bytes;
    if (is_hopeless && message->qos == 0 && f->releasing >= m->limit_queue) {
        drop(inv); /* a flood of dead letters is as bounded as the queue */
        function_say_dropped(f);
        return;
    }
    if (hops_are_used_up(inv->hops)) {
        queue_all_begun(&f->queue);
        loop_give_up(inv);
        return;
    }
    if (message->payload.len > m->limit_payload_bytes) {
        queue_all_begun(&f->queue);
        dead_letter(inv, GIVE_UP_TOO_LARGE, "larger than limits.payload");
        return;
    }
    if (queue_push(&f->queue, &inv->item, trigger_order_key(m, message), message->qos == 0)) {
        /* Not acknowledged: it stays with the broker until the next connection. */
        function_log(f, LOG_ERROR, "no memory for a message on %.*s", SLICE_ARG(message->topic));
        invocation_destroy(inv);
        return;
    }
    make_room(f, m->limit_queue);
    function_pump_soon(f);
}

void function_on_message(void *user, struct mqtt_message *message)
{
    struct function *f = user;
    if (f->phase == FUNCTION_DRAINING || f->phase == FUNCTION_CLOSING || !f->active)
        return; /* it stays with the broker */
    const struct manifest *m = f->active->revision->manifest;
    function_heard(f);
    gather_heard(&f->node->gather, f, f->house == 0);
    struct invocation *inv = invocation_create(f, message);
    if (!inv) {
        function_log(f, LOG_ERROR, "no memory for a message on %.*s", SLICE_ARG(message->topic));
        return;
    }
    f->node->observer->received(f->node->observer_user, f->name, message);
    if (is_unwanted_retained(m, message))
        release_discard(inv);
    else
        enqueue(f, m, inv);
}

int intake_tick(struct function *f, struct tick *tick)
{
    struct invocation *inv = invocation_create(f, &tick->message);
    if (!inv) {
        free(tick);
        return -ENOMEM;
    }
    inv->tick = tick;
    f->ticks++;
    struct slice key = trigger_order_key(f->active->revision->manifest, inv->message);
    if (queue_push(&f->queue, &inv->item, key, false)) {
        invocation_destroy(inv);
        return -ENOMEM;
    }
    tick->timer->tick = tick;
    f->node->observer->received(f->node->observer_user, f->name, inv->message);
    return 0;
}
