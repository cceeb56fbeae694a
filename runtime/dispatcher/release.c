#include "dispatcher/function_internal.h"

#include "dispatcher/hops.h"
#include "mqtt/packet.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOSSES_SAID = 3 }; /* in a row, with nothing published in between */

/* ---- the end of an invocation ---- */

static void finish(struct invocation *inv)
{
    struct function *f = inv->function;
    if (!inv->tick)
        mqtt_client_release(f->client, inv->message);
    invocation_destroy(inv);
    function_heard(f); /* its acknowledgement may bring the next one */
    function_check_end(f);
}

void release_discard(struct invocation *inv)
{
    finish(inv);
}

/* ---- publishing ---- */

static void exact_state(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause,
                        const char *text, uint64_t retry_ns)
{
    struct function *f = user;
    (void)resumed, (void)cause;
    broker_learn(f->broker, f->exact);
    if (state != MQTT_OFFLINE || f->phase == FUNCTION_CLOSING)
        return;
    function_log(f, LOG_DEBUG, "connection for QoS 2 outputs: %s", text);
    f->exact_losses++;
    if (f->exact_losses < LOSSES_SAID || f->said_losses || mqtt_client_state(f->client) != MQTT_ONLINE)
        return;
    f->said_losses = true;
    function_log(
        f, LOG_WARN,
        "its connection for outputs at QoS 2 ends again and again, and they wait: %s; next try in %llu "
        "ms",
        text, (unsigned long long)(retry_ns / NS_PER_MS));
}

/* What a function publishes at QoS 2 is on the way once, or it is said. */
static void exact_published(void *user, void *token, unsigned reason)
{
    struct function *f = user;
    f->exact_losses = 0;
    f->said_losses = false;
    if (reason == MQTT_TAKEN_AT_QOS_1 && !f->said_taken_at_qos_1) {
        f->said_taken_at_qos_1 = true;
        function_log(f, LOG_WARN, "%s",
                     "the broker takes outputs at QoS 2 with QoS 1: after a cut they may come twice");
    }
    function_on_published(user, token, reason);
}

static void exact_message(void *user, struct mqtt_message *message)
{
    struct function *f = user;
    mqtt_client_release(f->exact, message); /* it has no subscription: nothing should come */
}

static void exact_subscribed(void *user, size_t index, unsigned reason)
{
    (void)user, (void)index, (void)reason;
}

static void exact_closed(void *user)
{
    struct function *f = user;
    f->clients--;
    function_check_end(f);
}

/* Outputs at QoS 2 have a connection with Clean Start of their own: an id that is used again after a crash of
 * ours would make a broker take a new message for one it has. */
static struct mqtt_client *exact_client(struct function *f)
{
    static const struct mqtt_client_events events = {.state = exact_state,
                                                     .message = exact_message,
                                                     .published = exact_published,
                                                     .subscribed = exact_subscribed,
                                                     .closed = exact_closed};
    char id[256];
    if (f->exact)
        return f->exact;
    snprintf(id, sizeof id, "hark/%s/%s/out", f->node->name, f->name);
    struct mqtt_client_options options = {
        .session = {.client_id = id, .clean_start = true, .receive_maximum = 16, .packet_max_bytes = 1 << 20},
        .random_seed = node_random(f->node)};
    broker_fill(f->broker, &options);
    f->exact = mqtt_client_create(f->node->mqtt_io, &options, &events, f);
    f->clients += f->exact != NULL;
    if (f->exact)
        broker_teach(f->broker, f->exact, f->broker_speaks_5);
    return f->exact;
}

static void refuse(struct receipt *receipt, unsigned reason)
{
    struct invocation *inv = receipt->invocation;
    if (receipt->is_error_reply)
        inv->unanswered = true;
    else
        inv->refused = reason;
    const char *why = reason == MQTT_UNSENDABLE_SIZE     ? "it is larger than the broker takes"
                      : reason == MQTT_UNSENDABLE_RETAIN ? "the broker keeps no retained messages"
                                                         : packet_reason_name((uint8_t)reason);
    function_log(inv->function, LOG_ERROR, "%s for %s %.*s was not taken by the broker: %s (0x%02x)",
                 receipt->is_error_reply ? "the error reply"
                 : inv->dead             ? "the dead letter"
                                         : "an output",
                 INVOCATION_ARG(inv), why, reason);
}

void release_publish(struct receipt *receipt, const struct mqtt_publish *publish)
{
    struct invocation *inv = receipt->invocation;
    struct function *f = inv->function;
    struct mqtt_client *client = publish->qos == 2 ? exact_client(f) : f->client;
    f->node->observer->published(f->node->observer_user, f->name, publish);
    struct mqtt_publish stamped = *publish;
    stamped.made_ns = publish->has_expiry ? clock_now_ns() : 0;
    if (!client || mqtt_client_publish(client, &stamped, receipt))
        refuse(receipt, 0x80); /* no memory */
    else if (publish->qos)
        inv->awaited++;
}

void release_when_safe(struct invocation *inv)
{
    if (!inv->all_sent || inv->awaited)
        return;
    inv->function->releasing--;
    inv->function->releasing_bytes -= inv->outputs_bytes;
    inv->outputs_bytes = 0;
    unsigned refused = inv->refused;
    if (refused && !inv->dead) {
        char reason[96];
        snprintf(reason, sizeof reason, "the broker refused an output (0x%02x)", refused);
        dead_letter(inv, GIVE_UP_OUTPUT_REFUSED, reason);
    } else if (refused) {
        dead_letter_refused(inv, refused);
    } else if (inv->unanswered) {
        dead_letter_forgo(inv);
    } else {
        finish(inv);
    }
}

static uint64_t count_expired(const struct mqtt_client *client)
{
    struct mqtt_session_counts counts = {0};
    if (client)
        mqtt_client_counts(client, &counts);
    return counts.expired;
}

void function_say_expired(struct function *f)
{
    if (!f->may_expire || f->phase == FUNCTION_CLOSING)
        return;
    uint64_t expired = count_expired(f->client) + count_expired(f->exact);
    if (expired == f->expired_said || !function_may_say(f, &f->expired_said_ns))
        return;
    function_log(f, LOG_WARN, "%llu outputs were not sent: they expired while they waited for the broker",
                 (unsigned long long)(expired - f->expired_said));
    f->expired_said = expired;
}

void function_on_published(void *user, void *token, unsigned reason)
{
    struct function *f = user;
    struct receipt *receipt = token;
    struct invocation *inv = receipt->invocation;
    if (f->phase == FUNCTION_CLOSING)
        return; /* one of the two clients may be gone already; the message stays with the broker */
    inv->awaited--;
    if (reason >= 0x80)
        refuse(receipt, reason);
    release_when_safe(inv);
    function_say_expired(f);
    function_pump_soon(f);
}

/* The count of hops comes first: who receives more properties than it can take drops the last. */
void release_outputs(struct invocation *inv)
{
    char hops[HOPS_TEXT_MAX];
    struct property properties[1 + WIRE_PROPERTIES_MAX];
    struct mqtt_publish publish;
    size_t offset = 0;
    properties[0] = hops_next(inv->hops, hops); /* the rest stays unset: two KiB for each message */
    timers_tick_over(inv);
    inv->function->releasing++;
    inv->outputs_bytes = outbox_bytes(&inv->outbox);
    inv->function->releasing_bytes += inv->outputs_bytes;
    while (outbox_next(&inv->outbox, &offset, inv->message, &publish, properties + 1)) {
        publish.properties = properties;
        publish.property_count++;
        inv->function->may_expire |= publish.has_expiry;
        release_publish(&inv->output, &publish);
    }
    outbox_clear(&inv->outbox);
    inv->all_sent = true;
    release_when_safe(inv);
}
