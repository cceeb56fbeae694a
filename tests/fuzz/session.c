/* session.c: a session under a broker that may send anything, while its connection is cut, its clock jumps
 * and its user publishes, releases and subscribes: the input decides what happens next. Whatever comes, each
 * message lent is lent once, each token comes back at most once, and nothing follows a DISCONNECT. */
#include "fuzz.h"

#include "mqtt/packet.h"
#include "mqtt/session.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>

enum { LENT_MAX = 256, TOKENS_MAX = 1024, CHUNK_MAX = 64 };

struct play {
    const uint8_t *at, *end; /* the rest of the input */
    struct mqtt_session *session;
    struct mqtt_session_options options;
    uint64_t now_ns;
    bool connected;
    struct buffer wire; /* bytes of the broker that the session has not taken yet */
    struct mqtt_message *lent[LENT_MAX];
    size_t lent_count;
    bool open[TOKENS_MAX]; /* published and not over */
    size_t tokens;
    int depth; /* of calls from callbacks */
};

static uint8_t take(struct play *p)
{
    return p->at < p->end ? *p->at++ : 0;
}

/* ---- the user ---- */

static void publish(struct play *p, uint8_t how)
{
    static const char bytes[200];
    struct property property = {slice_of("k"), slice_of("v")};
    struct mqtt_publish message = {
        .topic = slice_of("t/u"),
        .payload = slice_make(bytes, take(p) % sizeof bytes),
        .qos = how % 3,
        .retain = how & 4,
        .properties = &property,
        .property_count = how >> 3 & 1,
    };
    if (p->tokens == TOKENS_MAX)
        return;
    size_t token = p->tokens++;
    p->open[token] = message.qos > 0;
    CHECK(mqtt_session_publish(p->session, &message, &p->open[token]) == 0);
}

static void release(struct play *p, uint8_t which)
{
    if (!p->lent_count)
        return;
    size_t i = which % p->lent_count;
    struct mqtt_message *message = p->lent[i];
    p->lent[i] = p->lent[--p->lent_count];
    mqtt_session_release(p->session, message);
}

static void subscribe(struct play *p, uint8_t which)
{
    static const char *const names[] = {"a", "b/#", "$share/g/c", "d/+/e"};
    struct mqtt_filter filters[4];
    struct slice known = slice_of(names[take(p) % 4]);
    size_t count = 0;
    for (size_t i = 0; i < 4; i++)
        if (which & 1 << i)
            filters[count++] = (struct mqtt_filter){
                .filter = slice_of(names[i]), .qos = which >> 4 & 1, .subscription_id = which >> 5};
    CHECK(mqtt_session_subscribe(p->session, filters, count, &known, which >> 7) == 0);
}

/* ---- events; a callback may call back ---- */

static void call_back(struct play *p)
{
    if (p->depth++ == 0) {
        uint8_t how = take(p);
        if (how < 32)
            publish(p, how);
        else if (how < 96)
            release(p, how);
        else if (how < 104)
            subscribe(p, take(p));
    }
    p->depth--;
}

static void on_online(void *user, bool resumed)
{
    struct play *p = user;
    CHECK(!resumed || !p->options.clean_start);
    call_back(p);
}

/* Reads all bytes that a message lends, for the sanitizer. */
static volatile unsigned touched;

static unsigned sum_of(const struct mqtt_message *m)
{
    unsigned sum = 0;
    for (size_t i = 0; i < m->payload.len; i++)
        sum += (uint8_t)m->payload.data[i];
    for (size_t i = 0; i < m->topic.len; i++)
        sum += (uint8_t)m->topic.data[i];
    for (uint32_t i = 0; i < m->property_count; i++)
        sum += (unsigned)(m->properties[i].key.len + m->properties[i].value.len);
    return sum;
}

static void on_message(void *user, struct mqtt_message *message)
{
    struct play *p = user;
    CHECK(message->topic.len > 0 && message->qos <= 2);
    touched += sum_of(message);
    for (size_t i = 0; i < p->lent_count; i++)
        CHECK(p->lent[i] != message);
    if (p->lent_count == LENT_MAX)
        release(p, 0);
    p->lent[p->lent_count++] = message;
    call_back(p);
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct play *p = user;
    bool *open = token;
    CHECK(*open && reason <= MQTT_UNSENDABLE_RETAIN);
    *open = false;
    call_back(p);
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    CHECK(index < 4 && reason <= MQTT_UNSENDABLE_RETAIN);
    call_back(user);
}

static void on_unsubscribed(void *user)
{
    call_back(user);
}

static const struct mqtt_session_events events = {
    .online = on_online,
    .message = on_message,
    .published = on_published,
    .subscribed = on_subscribed,
    .unsubscribed = on_unsubscribed,
};

/* ---- the connection ---- */

/* What the session sends is whole packets, and DISCONNECT is the last of them (MQTT-3.14.4-1, -2). */
static void check_output(struct play *p, bool to_the_end)
{
    struct buffer *out = mqtt_session_output(p->session);
    while (buffer_length(out)) {
        const uint8_t *packet = buffer_data(out);
        size_t len = 0, at = 1;
        for (unsigned shift = 0;; shift += 7) {
            CHECK(at < buffer_length(out) && shift < 28);
            len |= (size_t)(packet[at] & 0x7f) << shift;
            if (!(packet[at++] & 0x80))
                break;
        }
        CHECK(at + len <= buffer_length(out));
        CHECK(packet[0] >> 4 != PACKET_DISCONNECT || (at + len == buffer_length(out) && to_the_end));
        buffer_consume(out, at + len);
    }
}

static void cut(struct play *p)
{
    if (!p->connected)
        return;
    mqtt_session_lost(p->session, p->now_ns);
    CHECK(buffer_length(mqtt_session_output(p->session)) == 0);
    CHECK(mqtt_session_state(p->session) == MQTT_OFFLINE);
    p->connected = false;
    buffer_clear(&p->wire);
}

static void settle(struct play *p, int result)
{
    CHECK(result == 0 || result == -EPROTO);
    check_output(p, result < 0);
    if (result == 0)
        return;
    const char *text;
    CHECK(mqtt_session_cause(p->session, &text) != MQTT_CAUSE_NONE && text[0]);
    if (p->tokens < TOKENS_MAX)
        publish(p, 1);
    CHECK(buffer_length(mqtt_session_output(p->session)) == 0);
    cut(p);
}

static void input(struct play *p)
{
    size_t used = 0;
    if (!p->connected || !buffer_length(&p->wire))
        return;
    size_t len = buffer_length(&p->wire);
    int result = mqtt_session_input(p->session, buffer_data(&p->wire), len, p->now_ns, &used);
    CHECK(used <= len);
    buffer_consume(&p->wire, used);
    settle(p, result);
}

static void tick(struct play *p, uint8_t quarter_seconds)
{
    p->now_ns += quarter_seconds * (NS_PER_S / 4);
    (void)mqtt_session_deadline(p->session);
    int result = mqtt_session_tick(p->session, p->now_ns);
    if (p->connected)
        settle(p, result);
}

static void connect_again(struct play *p, uint8_t how)
{
    if (p->connected)
        return;
    mqtt_session_opened(p->session, p->now_ns);
    p->connected = true;
    if (!(how & 1))
        return;
    bool is_5 = mqtt_session_protocol(p->session) == MQTT_5;
    uint8_t maximum = how >> 3 & 3;
    uint8_t connack[] = {0x20, is_5 ? 6 : 2, how >> 1 & 1, 0, 3, 0x21, 0, maximum ? maximum : 9};
    buffer_append(&p->wire, connack, is_5 ? sizeof connack : 4);
    input(p);
}

/* ---- what the broker sends ---- */

static void raw_bytes(struct play *p)
{
    size_t len = take(p) % CHUNK_MAX;
    if (len > (size_t)(p->end - p->at))
        len = (size_t)(p->end - p->at);
    buffer_append(&p->wire, p->at, len);
    p->at += len;
    input(p);
}

/* A packet that is well-formed: few ids and payloads, so that they meet again. */
static void whole_packet(struct play *p)
{
    static const uint8_t headers[] = {0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0};
    uint8_t how = take(p), id = 1 + take(p) % 6;
    bool is_5 = mqtt_session_protocol(p->session) == MQTT_5;
    uint8_t header = headers[how % sizeof headers];
    uint8_t packet[8] = {header, 2, 0, id};
    if (header == 0x90 || header == 0xb0) {
        packet[1] = (uint8_t)(2 + is_5 + (is_5 || header == 0x90));
        packet[2 + packet[1] - 1] = how & 0x80;
    } else if (header == 0xd0) {
        packet[1] = 0;
    } else if (is_5) {
        packet[1] = 3;
        packet[4] = how & 0x80 ? 0x92 : 0;
    }
    buffer_append(&p->wire, packet, 2u + packet[1]);
    input(p);
}

static void whole_publish(struct play *p)
{
    uint8_t how = take(p), qos = how % 3;
    bool is_5 = mqtt_session_protocol(p->session) == MQTT_5;
    uint8_t packet[16] = {(uint8_t)(0x30 | qos << 1 | (how & 8)), 0, 0, 1, 't'};
    size_t at = 5;
    if (qos) {
        packet[at++] = 0;
        packet[at++] = 1 + (how >> 4) % 6;
    }
    at += is_5;
    packet[at++] = take(p) % 3;
    packet[1] = (uint8_t)(at - 2);
    buffer_append(&p->wire, packet, at);
    input(p);
}

static void step(struct play *p)
{
    uint8_t what = take(p);
    switch (what & 15) {
    case 0:
    case 1:
        raw_bytes(p);
        return;
    case 2:
    case 3:
    case 4:
        whole_packet(p);
        return;
    case 5:
    case 6:
    case 7:
        whole_publish(p);
        return;
    case 8:
        cut(p);
        return;
    case 9:
        tick(p, take(p));
        return;
    case 10:
        subscribe(p, take(p));
        return;
    case 11:
        publish(p, what >> 4);
        return;
    case 12:
    case 13:
        release(p, what >> 4);
        return;
    default:
        connect_again(p, what >> 3);
    }
}

static void set_options(struct play *p)
{
    uint8_t how = take(p);
    p->options = (struct mqtt_session_options){
        .client_id = "f",
        .protocol = (enum mqtt_protocol[]){MQTT_AUTO, MQTT_3_1_1, MQTT_5, MQTT_5}[how & 3],
        .clean_start = how & 4,
        .adopt = how & 8,
        .session_expiry_s = how & 16 ? 60 : 0,
        .receive_maximum = 1 + (how >> 5),
        .keep_alive_s = how & 32 ? 10 : 0,
        .packet_max_bytes = 256,
        .offline_qos0_max = how >> 6,
    };
}

static void end(struct play *p)
{
    struct mqtt_session_counts counts;
    mqtt_session_counts(p->session, &counts);
    CHECK(counts.delivered <= counts.received && counts.recognised <= counts.received);
    mqtt_session_disconnect(p->session, p->options.adopt);
    CHECK(mqtt_session_state(p->session) == MQTT_CLOSED);
    check_output(p, true);
    while (p->lent_count > 1) /* the last one is freed with the session */
        release(p, 0);
    mqtt_session_destroy(p->session);
    buffer_finish(&p->wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = {.at = data, .end = data + size, .now_ns = NS_PER_S};
    set_options(&p);
    p.session = mqtt_session_create(&p.options, &events, &p);
    CHECK(p.session);
    while (p.at < p.end)
        step(&p);
    end(&p);
    return 0;
}
