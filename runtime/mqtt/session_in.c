/* session_in.c: messages from the broker: delivered once, acknowledged in order when they are released. */
#include "mqtt/session_internal.h"

#include "shared/check.h"

#include <errno.h>
#include <stdlib.h>

/* ---- places ---- */

static void enter(struct mqtt_session *s, struct inbound *in, enum inbound_place place)
{
    in->place = place;
    s->place_count[place] += in->message.qos > 0;
    TAILQ_INSERT_TAIL(&s->inbound[place], in, link);
}

static void leave(struct mqtt_session *s, struct inbound *in)
{
    s->place_count[in->place] -= in->message.qos > 0;
    TAILQ_REMOVE(&s->inbound[in->place], in, link);
}

static void move(struct mqtt_session *s, struct inbound *in, enum inbound_place place)
{
    leave(s, in);
    enter(s, in, place);
}

static void drop_payload(struct inbound *in)
{
    free(in->memory);
    in->memory = NULL;
    in->message.payload = (struct slice){0};
}

static void inbound_free(struct mqtt_session *s, struct inbound *in)
{
    if (in->memory)
        drop_payload(in);
    slabs_give(s->options.slabs, in, in->bytes);
}

static void uncount(struct mqtt_session *s, struct inbound *in)
{
    s->inflight -= in->counted;
    in->counted = false;
}

static void drop(struct mqtt_session *s, struct inbound *in)
{
    uncount(s, in);
    id_map_remove(&s->inbound_ids, &in->node);
    leave(s, in);
    inbound_free(s, in);
}

/* The broker knows nothing of it any more. Its receiver may still be at work. */
static void forget(struct mqtt_session *s, struct inbound *in)
{
    if (in->released) {
        drop(s, in);
        return;
    }
    uncount(s, in);
    id_map_remove(&s->inbound_ids, &in->node);
    move(s, in, IN_LOOSE);
}

static struct inbound *find(struct mqtt_session *s, uint16_t id)
{
    /* node is the first member: NULL stays NULL. */
    _Static_assert(offsetof(struct inbound, node) == 0, "id_node comes first");
    return (struct inbound *)id_map_find(&s->inbound_ids, id);
}

static uint32_t held(const struct mqtt_session *s)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < INBOUND_PLACES; i++)
        sum += s->place_count[i];
    return sum;
}

/* ---- topic aliases: of one connection only (MQTT-3.3.2-7) ---- */

static void drop_aliases(struct mqtt_session *s)
{
    for (size_t i = 0; s->aliases && i < SESSION_TOPIC_ALIASES_MAX; i++)
        free((char *)s->aliases[i].data);
    free(s->aliases);
    s->aliases = NULL;
}

static int set_alias(struct mqtt_session *s, uint16_t alias, struct slice topic)
{
    if (!s->aliases)
        s->aliases = calloc(SESSION_TOPIC_ALIASES_MAX, sizeof *s->aliases);
    char *copy = s->aliases ? malloc(topic.len) : NULL;
    if (!copy)
        return session_fail(s, MQTT_CAUSE_NETWORK, 0x83, "out of memory for a topic alias");
    memcpy(copy, topic.data, topic.len);
    free((char *)s->aliases[alias - 1].data);
    s->aliases[alias - 1] = slice_make(copy, topic.len);
    return 0;
}

static int resolve_topic(struct mqtt_session *s, const struct packet_publish *p, struct slice *ret_topic)
{
    *ret_topic = p->topic;
    if (p->topic_alias > SESSION_TOPIC_ALIASES_MAX)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_TOPIC_ALIAS_INVALID,
                            "PUBLISH: topic alias %u, at most %d was offered (MQTT-3.3.2-11)", p->topic_alias,
                            SESSION_TOPIC_ALIASES_MAX);
    if (p->topic_alias && p->topic.len)
        return set_alias(s, p->topic_alias, p->topic);
    if (p->topic.len)
        return 0;
    if (p->topic_alias && s->aliases)
        *ret_topic = s->aliases[p->topic_alias - 1];
    if (ret_topic->len)
        return 0;
    return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR,
                        "PUBLISH: topic alias %u was never set on this connection", p->topic_alias);
}

/* ---- a new message: one allocation ---- */

static struct slice put(uint8_t **at, struct slice from)
{
    if (!from.data)
        return from;
    struct slice to = slice_make(*at, from.len);
    memcpy(*at, from.data, from.len);
    *at += from.len;
    return to;
}

static uint32_t properties_wanted(const struct packet_publish *p)
{
    return p->user.count < MQTT_USER_PROPERTIES_MAX ? p->user.count : (uint32_t)MQTT_USER_PROPERTIES_MAX;
}

/* Without the payload's. */
static size_t bytes_of(const struct packet_publish *p, struct slice topic)
{
    return sizeof(struct inbound) + properties_wanted(p) * sizeof(struct property) + topic.len +
           p->content_type.len + p->response_topic.len + p->correlation.len +
           (p->user.count ? p->user.block.len : 0);
}

static void fill_properties(struct mqtt_message *m, const struct packet_publish *p, uint8_t **at)
{
    if (!p->user.count)
        return;
    struct packet_user_properties kept = {.block = put(at, p->user.block), .count = p->user.count};
    m->property_count = (uint32_t)packet_user_properties_get(&kept, m->properties, properties_wanted(p));
}

static void fill(struct mqtt_message *m, const struct packet_publish *p, struct slice topic, bool stays,
                 uint8_t *at)
{
    m->properties = p->user.count ? (struct property *)at : NULL;
    at += properties_wanted(p) * sizeof(struct property);
    m->topic = put(&at, topic);
    m->payload = stays ? p->payload : put(&at, p->payload);
    m->content_type = put(&at, p->content_type);
    m->response_topic = put(&at, p->response_topic);
    m->correlation = put(&at, p->correlation);
    fill_properties(m, p, &at);
    m->expiry_s = p->expiry_s;
    m->has_expiry = p->has_expiry;
    m->qos = p->qos;
    m->retained = p->retain;
    m->dup = p->dup;
    m->subscription_id_count = p->subscription_id_count;
    memcpy(m->subscription_ids, p->subscription_ids, sizeof m->subscription_ids);
}

/* It is most of what was read, and the last of it: the memory is of no use to others. */
static bool may_stay(const struct mqtt_session *s, struct slice payload)
{
    struct buffer *b = s->lent;
    return b && payload.len >= SESSION_KEPT_IN_PLACE_MIN && payload.len >= b->end / 2 &&
           (const uint8_t *)payload.data + payload.len == buffer_data(b) + buffer_length(b);
}

/* The payload stays where it is; buffer_take may move all of it. */
static void keep_memory(struct inbound *in, struct buffer *lent)
{
    size_t offset = (size_t)((const uint8_t *)in->message.payload.data - lent->memory);
    in->memory = buffer_take(lent);
    in->message.payload.data = (const char *)in->memory + offset;
}

static struct inbound *inbound_create(struct mqtt_session *s, const struct packet_publish *p,
                                      struct slice topic)
{
    bool stays = may_stay(s, p->payload);
    size_t bytes = bytes_of(p, topic) + (stays ? 0 : p->payload.len);
    struct inbound *in = slabs_take(s->options.slabs, bytes);
    if (!in)
        return NULL;
    *in = (struct inbound){.bytes = bytes};
    fill(&in->message, p, topic, stays, (uint8_t *)(in + 1));
    if (stays)
        keep_memory(in, s->lent);
    in->message.received_ns = s->now_ns;
    return in;
}

/* ---- acknowledging ---- */

/* The same without what is behind it; as it is when there is no memory for that. */
static struct inbound *shrunk(struct mqtt_session *s, struct inbound *in)
{
    struct inbound *small = slabs_take(s->options.slabs, sizeof *small);
    if (!small)
        return in;
    *small = *in;
    small->bytes = sizeof *small;
    inbound_free(s, in);
    return small;
}

/* Only the id matters from now on; the bytes go back. */
static void keep_id(struct mqtt_session *s, struct inbound *in)
{
    uint16_t id = in->node.id;
    leave(s, in);
    id_map_remove(&s->inbound_ids, &in->node);
    drop_payload(in);
    in = shrunk(s, in);
    in->received = true;
    in->message.topic = (struct slice){0};
    enter(s, in, IN_RECEIVED);
    CHECK(id_map_insert(&s->inbound_ids, &in->node, id) == 0); /* it has its buckets */
}

/* Acks leave from the head, in the order the messages came (MQTT-4.6.0-2, -3). */
void session_flush_acks(struct mqtt_session *s)
{
    struct inbound *in;
    while (!s->acks_wait && (in = TAILQ_FIRST(&s->inbound[IN_WINDOW])) && in->released) {
        bool qos2 = in->message.qos == 2;
        session_send_ack(s, qos2 ? PACKET_PUBREC : PACKET_PUBACK, in->node.id, PACKET_SUCCESS);
        s->counts.acked++;
        if (qos2)
            keep_id(s, in);
        else
            drop(s, in);
    }
}

static struct inbound *inbound_of(struct mqtt_message *message)
{
    return (struct inbound *)((char *)message - offsetof(struct inbound, message));
}

void mqtt_session_release(struct mqtt_session *s, struct mqtt_message *message)
{
    struct inbound *in = inbound_of(message);
    CHECK(!in->released);
    in->released = true;
    if (in->place == IN_LOOSE)
        drop(s, in);
    else if (in->place == IN_WINDOW && session_online(s))
        session_flush_acks(s);
}

/* ---- what comes ---- */

/* The quota of our Receive Maximum: from PUBLISH to PUBACK or PUBCOMP, of this connection only. A broker that
 * exceeds it is tolerated: mosquitto does after a reconnect. */
static void count(struct mqtt_session *s, struct inbound *in)
{
    if (in->counted)
        return;
    in->counted = true;
    s->inflight++;
    s->counts.overflow += s->inflight > s->options.receive_maximum;
}

static bool same(const struct inbound *in, const struct packet_publish *p, struct slice topic)
{
    const struct mqtt_message *m = &in->message;
    return m->qos == p->qos && session_same_bytes(m->topic, topic) &&
           session_same_bytes(m->payload, p->payload);
}

/* After PUBREC the id alone says that it is the same (MQTT-4.3.3-10); before, id and content do, whatever DUP
 * says: some brokers resend without it. */
static bool is_repeat(const struct inbound *in, const struct packet_publish *p, struct slice topic)
{
    return in->received ? p->qos == 2 : same(in, p, topic);
}

static void recognise(struct mqtt_session *s, struct inbound *in)
{
    s->counts.recognised++;
    if (in->place != IN_WINDOW)
        move(s, in, IN_WINDOW);
    count(s, in);
    session_flush_acks(s);
}

static int deliver(struct mqtt_session *s, const struct packet_publish *p, struct slice topic)
{
    if (held(s) >= SESSION_HELD_MAX)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_RECEIVE_MAXIMUM_EXCEEDED,
                            "%d messages are not acknowledged yet, Receive Maximum is %u", SESSION_HELD_MAX,
                            s->options.receive_maximum);
    struct inbound *in = inbound_create(s, p, topic);
    if (!in || id_map_insert(&s->inbound_ids, &in->node, p->id) < 0) {
        if (in)
            inbound_free(s, in);
        return session_fail(s, MQTT_CAUSE_NETWORK, 0x83, "out of memory for a message");
    }
    enter(s, in, IN_WINDOW);
    count(s, in);
    s->counts.delivered++;
    s->events.message(s->user, &in->message);
    return 0;
}

static int on_publish_qos0(struct mqtt_session *s, const struct packet_publish *p, struct slice topic)
{
    struct inbound *in = inbound_create(s, p, topic);
    if (!in)
        return 0; /* QoS 0 promises nothing */
    enter(s, in, IN_LOOSE);
    s->counts.delivered++;
    s->events.message(s->user, &in->message);
    return 0;
}

int session_on_publish(struct mqtt_session *s, const struct packet_publish *p)
{
    struct slice topic;
    s->counts.received++;
    if (resolve_topic(s, p, &topic) < 0)
        return -EPROTO;
    if (p->qos == 0)
        return on_publish_qos0(s, p, topic);
    struct inbound *in = find(s, p->id);
    if (in && is_repeat(in, p, topic)) {
        recognise(s, in);
        return 0;
    }
    if (in && in->place == IN_WINDOW)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR,
                            "PUBLISH: packet id %u is in use (MQTT-2.2.1-4)", p->id);
    if (in)
        forget(s, in);
    return deliver(s, p, topic);
}

void session_on_pubrel(struct mqtt_session *s, const struct packet_ack *ack)
{
    struct inbound *in = find(s, ack->id);
    bool known = in && in->received;
    if (known)
        drop(s, in);
    session_send_ack(s, PACKET_PUBCOMP, ack->id, known ? PACKET_SUCCESS : PACKET_ID_NOT_FOUND);
    if (known)
        session_flush_acks(s); /* it may have stood in the window, waiting for a second PUBREC */
}

/* ---- connections come and go ---- */

void session_in_online(struct mqtt_session *s, bool resumed)
{
    struct inbound *in;
    if (resumed)
        return;
    while ((in = TAILQ_FIRST(&s->inbound[IN_ORPHANS])))
        forget(s, in);
    while ((in = TAILQ_FIRST(&s->inbound[IN_RECEIVED])))
        drop(s, in);
}

void session_in_lost(struct mqtt_session *s)
{
    struct inbound *in;
    while ((in = TAILQ_FIRST(&s->inbound[IN_WINDOW]))) {
        uncount(s, in);
        move(s, in, in->received ? IN_RECEIVED : IN_ORPHANS);
    }
    TAILQ_FOREACH (in, &s->inbound[IN_RECEIVED], link)
        uncount(s, in);
    drop_aliases(s);
}

void session_in_finish(struct mqtt_session *s)
{
    struct inbound *in;
    for (size_t i = 0; i < INBOUND_PLACES; i++)
        while ((in = TAILQ_FIRST(&s->inbound[i])))
            drop(s, in);
    id_map_finish(&s->inbound_ids);
    drop_aliases(s);
}
