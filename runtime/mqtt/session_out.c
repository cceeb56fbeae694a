/* session_out.c: messages to the broker: in order, within its Receive Maximum, until it has them. */
#include "mqtt/session_internal.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>

/* ---- a kept message: one allocation ---- */

static struct slice put(char **at, struct slice from)
{
    if (!from.data)
        return from;
    struct slice to = slice_make(*at, from.len);
    memcpy(*at, from.data, from.len);
    *at += from.len;
    return to;
}

static size_t bytes_of(const struct mqtt_publish *p)
{
    size_t sum = sizeof(struct outbound) + p->property_count * sizeof(struct property) + p->topic.len +
                 p->payload.len + p->content_type.len + p->response_topic.len + p->correlation.len;
    for (uint32_t i = 0; i < p->property_count; i++)
        sum += p->properties[i].key.len + p->properties[i].value.len;
    return sum;
}

static void fill(struct mqtt_publish *to, const struct mqtt_publish *from, struct property *properties)
{
    char *at = (char *)(properties + from->property_count);
    *to = *from;
    to->topic = put(&at, from->topic);
    to->payload = put(&at, from->payload);
    to->content_type = put(&at, from->content_type);
    to->response_topic = put(&at, from->response_topic);
    to->correlation = put(&at, from->correlation);
    for (uint32_t i = 0; i < from->property_count; i++) {
        properties[i].key = put(&at, from->properties[i].key);
        properties[i].value = put(&at, from->properties[i].value);
    }
    to->properties = properties;
}

static struct outbound *outbound_create(struct mqtt_session *s, const struct mqtt_publish *publish,
                                        void *token)
{
    size_t bytes = bytes_of(publish);
    struct outbound *out = slabs_take(s->options.slabs, bytes);
    if (!out)
        return NULL;
    *out = (struct outbound){.node.kind = REQUEST_PUBLISH, .token = token, .bytes = bytes};
    fill(&out->publish, publish, (struct property *)(out + 1));
    return out;
}

static void outbound_free(struct mqtt_session *s, struct outbound *out)
{
    slabs_give(s->options.slabs, out, out->bytes);
}

/* ---- packet ids (MQTT-2.2.1-3): one space for all that we send ---- */

int session_take_id(struct mqtt_session *s, struct id_node *node)
{
    if (s->outbound_ids.count >= UINT16_MAX)
        return -EBUSY;
    do
        s->last_id++;
    while (s->last_id == 0 || id_map_find(&s->outbound_ids, s->last_id));
    return id_map_insert(&s->outbound_ids, node, s->last_id);
}

static int take_publish_id(struct mqtt_session *s, struct outbound *out)
{
    return s->outbound_ids.count >= SESSION_PUBLISH_IDS_MAX ? -EBUSY : session_take_id(s, &out->node);
}

/* ---- the end of a message ---- */

static void take_off_wire(struct mqtt_session *s, struct outbound *out)
{
    s->on_wire -= out->on_wire;
    out->on_wire = false;
}

/* Out of its list and the map; the caller owns it. */
static void detach(struct mqtt_session *s, struct outbound *out)
{
    if (s->unsent == out)
        s->unsent = TAILQ_NEXT(out, link);
    TAILQ_REMOVE(out->pubrec ? &s->released : &s->outbox, out, link);
    id_map_remove(&s->outbound_ids, &out->node);
    take_off_wire(s, out);
    s->counts.outstanding--;
}

static void count_end(struct mqtt_session *s, unsigned reason)
{
    if (reason < PACKET_UNSPECIFIED_ERROR)
        s->counts.published++;
    else
        s->counts.refused++;
}

/* The end comes from inside a call of the user's: it is told later, by tick or input. */
static void finish_later(struct mqtt_session *s, struct outbound *out, unsigned reason)
{
    detach(s, out);
    out->reason = reason;
    TAILQ_INSERT_TAIL(&s->finished, out, link);
}

static void tell(struct mqtt_session *s, void *token, unsigned reason)
{
    count_end(s, reason);
    s->events.published(s->user, token, reason);
}

static void finish_now(struct mqtt_session *s, struct outbound *out, unsigned reason)
{
    void *token = out->token;
    detach(s, out);
    outbound_free(s, out);
    tell(s, token, reason);
}

bool session_out_has_report(const struct mqtt_session *s)
{
    return !TAILQ_EMPTY(&s->finished);
}

void session_out_report(struct mqtt_session *s)
{
    struct outbound_list due = TAILQ_HEAD_INITIALIZER(due);
    struct outbound *out;
    TAILQ_CONCAT(&due, &s->finished, link); /* what the callbacks finish is for the next time */
    while ((out = TAILQ_FIRST(&due))) {
        void *token = out->token;
        unsigned reason = out->reason;
        TAILQ_REMOVE(&due, out, link);
        outbound_free(s, out);
        tell(s, token, reason);
    }
}

/* ---- sending ---- */

/* 0, or why this server never takes it (MQTT-3.2.2-14, -15). */
static unsigned unsendable(const struct mqtt_session *s, const struct mqtt_publish *publish)
{
    if (publish->retain && !s->limits.retain)
        return MQTT_UNSENDABLE_RETAIN;
    if (packet_publish_bytes(s->protocol, publish) > s->limits.packet_max_bytes)
        return MQTT_UNSENDABLE_SIZE;
    return 0;
}

/* As this server takes it (MQTT-3.2.2-11). */
static struct mqtt_publish downgraded(const struct mqtt_session *s, const struct mqtt_publish *publish)
{
    struct mqtt_publish copy = *publish;
    if (copy.qos > s->limits.qos_max)
        copy.qos = s->limits.qos_max;
    return copy;
}

/* Takes the time that it waited here off its expiry. False: nothing is left. */
static bool age(const struct mqtt_session *s, struct mqtt_publish *publish)
{
    if (!publish->has_expiry || !publish->made_ns || s->now_ns <= publish->made_ns)
        return true;
    uint64_t waited_s = (s->now_ns - publish->made_ns) / NS_PER_S;
    if (waited_s >= publish->expiry_s)
        return false;
    publish->expiry_s -= (uint32_t)waited_s;
    return true;
}

/* A long payload leaves from where it lies, as far as the connection takes it: a copy saved. */
static void write_long(struct mqtt_session *s, const struct mqtt_publish *publish, uint16_t id, bool dup)
{
    struct slice payload = publish->payload;
    packet_write_publish_head(&s->out, s->protocol, publish, id, dup);
    size_t taken = buffer_failed(&s->out) ? 0 : s->events.send(s->user, &s->out, payload);
    buffer_append(&s->out, payload.data + taken, payload.len - taken);
}

static void write_publish(struct mqtt_session *s, const struct mqtt_publish *publish, uint16_t id, bool dup)
{
    if (s->events.send && publish->payload.len >= MQTT_SENT_IN_PLACE_MIN)
        write_long(s, publish, id, dup);
    else
        packet_write_publish(&s->out, s->protocol, publish, id, dup);
    session_sent(s);
    s->counts.sent++;
}

static void send_qos0(struct mqtt_session *s, const struct mqtt_publish *original)
{
    struct mqtt_publish publish = *original;
    if (unsendable(s, &publish))
        s->counts.refused++;
    else if (!age(s, &publish))
        s->counts.expired++;
    else
        write_publish(s, &publish, 0, false);
}

/* 0, or -EBUSY: no packet id is free, its turn comes again. */
static int send_one(struct mqtt_session *s, struct outbound *out)
{
    struct mqtt_publish publish = downgraded(s, &out->publish);
    unsigned why = unsendable(s, &publish);
    if (why) {
        finish_later(s, out, why);
        return 0;
    }
    if (out->node.id && publish.qos != out->wire_qos)
        id_map_remove(&s->outbound_ids, &out->node); /* as a new message: it is another exchange */
    bool dup = out->node.id != 0;                    /* MQTT-3.3.1-1 */
    if (!age(s, &publish)) {
        if (!dup) {
            s->counts.expired++;
            finish_later(s, out, PACKET_SUCCESS);
            return 0;
        }
        publish.expiry_s = 1; /* the broker may have it: the exchange has to end */
    }
    if (publish.qos && !dup && take_publish_id(s, out) < 0)
        return -EBUSY;
    write_publish(s, &publish, out->node.id, dup);
    out->wire_qos = publish.qos;
    if (!publish.qos) {
        finish_later(s, out, PACKET_SUCCESS);
        return 0;
    }
    out->on_wire = true;
    s->on_wire++;
    s->acks_wait |= s->pace == 1;
    s->unsent = TAILQ_NEXT(out, link);
    return 0;
}

/* MQTT-3.3.4-7, 4.9.0-2: never more under way than the server's Receive Maximum; after a loss even less. */
static bool has_room(const struct mqtt_session *s)
{
    return s->on_wire < s->limits.receive_maximum && s->on_wire < s->pace;
}

static void pump(struct mqtt_session *s)
{
    while (s->unsent && session_online(s) && has_room(s))
        if (send_one(s, s->unsent) < 0)
            return;
}

/* ---- what the user asks for ---- */

static void keep_offline(struct mqtt_session *s, struct outbound *out)
{
    TAILQ_INSERT_TAIL(&s->offline, out, link);
    if (++s->offline_count <= s->options.offline_qos0_max)
        return;
    struct outbound *oldest = TAILQ_FIRST(&s->offline);
    TAILQ_REMOVE(&s->offline, oldest, link);
    s->offline_count--;
    outbound_free(s, oldest);
}

static int publish_qos0(struct mqtt_session *s, const struct mqtt_publish *publish)
{
    if (session_online(s)) {
        send_qos0(s, publish);
        return 0;
    }
    if (!s->options.offline_qos0_max)
        return 0;
    struct outbound *out = outbound_create(s, publish, NULL);
    if (!out)
        return -ENOMEM;
    keep_offline(s, out);
    return 0;
}

int mqtt_session_publish(struct mqtt_session *s, const struct mqtt_publish *publish, void *token)
{
    if (!publish->checked && packet_publish_check(publish) < 0)
        return -EINVAL;
    if (!publish->qos)
        return publish_qos0(s, publish);
    struct outbound *out = outbound_create(s, publish, token);
    if (!out)
        return -ENOMEM;
    TAILQ_INSERT_TAIL(&s->outbox, out, link);
    s->counts.outstanding++;
    if (!s->unsent)
        s->unsent = out;
    pump(s);
    return 0;
}

/* ---- what the broker answers ---- */

static struct outbound *find(struct mqtt_session *s, uint16_t id)
{
    _Static_assert(offsetof(struct outbound, node) == 0, "id_node comes first");
    struct id_node *node = id_map_find(&s->outbound_ids, id);
    return node && node->kind == REQUEST_PUBLISH ? (struct outbound *)node : NULL;
}

static int wrong_ack(struct mqtt_session *s, const char *name, const struct packet_ack *ack)
{
    return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR, "%s does not fit packet id %u", name,
                        ack->id);
}

/* A broker that answers is not the one that hung up on us: twice as much may be under way. */
static void answered(struct mqtt_session *s, struct outbound *out, unsigned reason)
{
    bool is_refused = reason >= PACKET_UNSPECIFIED_ERROR;
    if (is_refused)
        session_note_refusal(s, out->publish.topic, reason);
    if (is_refused && s->acks_wait)
        session_ping(s);
    else
        session_send_acks(s);
    if (s->pace < UINT16_MAX)
        s->pace *= 2;
    s->counts.answered++;
    finish_now(s, out, reason);
    pump(s);
}

/* RabbitMQ 3.10 takes QoS 2 for QoS 1 and says so in this way only. To MQTT 5 it is a mistake: there, a
 * broker names its Maximum QoS. */
static bool took_it_at_qos_1(const struct mqtt_session *s, const struct outbound *out)
{
    return s->protocol == MQTT_3_1_1 && out->wire_qos == 2 && !out->pubrec;
}

int session_on_puback(struct mqtt_session *s, const struct packet_ack *ack)
{
    struct outbound *out = find(s, ack->id);
    if (!out)
        return 0;
    if (out->wire_qos != 1 && !took_it_at_qos_1(s, out))
        return wrong_ack(s, "PUBACK", ack);
    answered(s, out, out->wire_qos == 2 ? MQTT_TAKEN_AT_QOS_1 : ack->reason);
    return 0;
}

/* From now on PUBREL takes the place of PUBLISH (MQTT-4.3.3-6). The quota is held until PUBCOMP. */
static void turn_to_pubrel(struct mqtt_session *s, struct outbound *out, uint8_t reason)
{
    if (s->unsent == out)
        s->unsent = TAILQ_NEXT(out, link);
    TAILQ_REMOVE(&s->outbox, out, link);
    TAILQ_INSERT_TAIL(&s->released, out, link);
    out->pubrec = true;
    out->reason = reason;
}

int session_on_pubrec(struct mqtt_session *s, const struct packet_ack *ack)
{
    struct outbound *out = find(s, ack->id);
    if (out && out->wire_qos != 2)
        return wrong_ack(s, "PUBREC", ack);
    if (ack->reason >= PACKET_UNSPECIFIED_ERROR) { /* no PUBREL follows; the quota is free again */
        if (out)
            answered(s, out, ack->reason);
        return 0;
    }
    if (out && !out->pubrec)
        turn_to_pubrel(s, out, ack->reason);
    session_send_ack(s, PACKET_PUBREL, ack->id, out ? PACKET_SUCCESS : PACKET_ID_NOT_FOUND);
    return 0;
}

/* Whatever PUBCOMP says, the broker took the message with PUBREC: 0x92 means that it had completed before. */
int session_on_pubcomp(struct mqtt_session *s, const struct packet_ack *ack)
{
    struct outbound *out = find(s, ack->id);
    if (!out)
        return 0;
    if (!out->pubrec)
        return wrong_ack(s, "PUBCOMP", ack);
    answered(s, out, out->reason);
    return 0;
}

/* ---- connections come and go ---- */

/* PUBREL is never delayed (MQTT-4.9.0-3), yet it counts: the server still has the exchange open. */
static void resend_pubrels(struct mqtt_session *s)
{
    struct outbound *out;
    TAILQ_FOREACH (out, &s->released, link) {
        session_send_ack(s, PACKET_PUBREL, out->node.id, PACKET_SUCCESS);
        out->on_wire = true;
        s->on_wire++;
    }
}

/* The broker has lost the session, and with it possibly what it had not passed on: all is sent as new. */
static void start_afresh(struct mqtt_session *s)
{
    struct outbound *out;
    TAILQ_CONCAT(&s->released, &s->outbox, link); /* older ones first */
    TAILQ_CONCAT(&s->outbox, &s->released, link);
    TAILQ_FOREACH (out, &s->outbox, link) {
        id_map_remove(&s->outbound_ids, &out->node);
        out->pubrec = false;
    }
    s->unsent = TAILQ_FIRST(&s->outbox);
}

static void send_offline(struct mqtt_session *s)
{
    struct outbound *out;
    while ((out = TAILQ_FIRST(&s->offline))) {
        TAILQ_REMOVE(&s->offline, out, link);
        send_qos0(s, &out->publish);
        outbound_free(s, out);
    }
    s->offline_count = 0;
}

void session_out_online(struct mqtt_session *s, bool resumed)
{
    if (resumed)
        resend_pubrels(s);
    else
        start_afresh(s);
    pump(s);
    send_offline(s);
}

/* The broker may have closed because of one of the messages, and its answer is lost with the connection when
 * others were on their way to it. Sent alone, each brings its answer home. */
static void slow_down(struct mqtt_session *s)
{
    if (s->on_wire)
        s->pace = 1;
}

void session_out_lost(struct mqtt_session *s)
{
    struct outbound *out;
    slow_down(s);
    TAILQ_FOREACH (out, &s->outbox, link) {
        out->left_open |= out->on_wire;
        out->on_wire = false;
    }
    TAILQ_FOREACH (out, &s->released, link)
        out->on_wire = false;
    s->on_wire = 0;
    s->unsent = TAILQ_FIRST(&s->outbox);
}

static void free_all(struct mqtt_session *s, struct outbound_list *list)
{
    struct outbound *out;
    while ((out = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, out, link);
        outbound_free(s, out);
    }
}

void session_out_finish(struct mqtt_session *s)
{
    free_all(s, &s->outbox);
    free_all(s, &s->released);
    free_all(s, &s->finished);
    free_all(s, &s->offline);
    id_map_finish(&s->outbound_ids);
}
