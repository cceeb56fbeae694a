/* session.c: the phases of a connection, the packets that come, and the passing of time. */
#include "mqtt/session_internal.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_TIMEOUT_DEFAULT_S = 20 };

static char *copy_string(const char *text, bool *ret_failed)
{
    char *copy = text ? strdup(text) : NULL;
    *ret_failed |= text && !copy;
    return copy;
}

static bool copy_options(struct mqtt_session *s, const struct mqtt_session_options *options)
{
    bool failed = false;
    s->options = *options;
    s->options.client_id = copy_string(options->client_id, &failed);
    s->options.username = copy_string(options->username, &failed);
    s->options.password = copy_string(options->password, &failed);
    s->options.will_topic = copy_string(options->will_topic, &failed);
    s->options.will_payload = copy_string(options->will_payload, &failed);
    if (!s->options.connect_timeout_s)
        s->options.connect_timeout_s = CONNECT_TIMEOUT_DEFAULT_S;
    if (!s->options.packet_max_bytes || s->options.packet_max_bytes > MQTT_PACKET_MAX)
        s->options.packet_max_bytes = MQTT_PACKET_MAX;
    return !failed;
}

struct mqtt_session *mqtt_session_create(const struct mqtt_session_options *options,
                                         const struct mqtt_session_events *events, void *user)
{
    CHECK(options->client_id && options->client_id[0] && options->receive_maximum);
    struct mqtt_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    for (size_t i = 0; i < INBOUND_PLACES; i++)
        TAILQ_INIT(&s->inbound[i]);
    TAILQ_INIT(&s->outbox);
    TAILQ_INIT(&s->released);
    TAILQ_INIT(&s->finished);
    TAILQ_INIT(&s->offline);
    s->pace = UINT16_MAX;
    session_sub_init(s);
    s->events = *events;
    s->user = user;
    s->protocol = options->protocol == MQTT_3_1_1 ? MQTT_3_1_1 : MQTT_5;
    if (!copy_options(s, options)) {
        mqtt_session_destroy(s);
        return NULL;
    }
    return s;
}

void mqtt_session_destroy(struct mqtt_session *s)
{
    session_in_finish(s);
    session_sub_finish(s);
    session_out_finish(s); /* last: the map of packet ids is its own */
    buffer_finish(&s->out);
    buffer_finish(&s->late);
    free((char *)s->options.client_id);
    free((char *)s->options.username);
    free((char *)s->options.password);
    free((char *)s->options.will_topic);
    free((char *)s->options.will_payload);
    free(s);
}

/* Writes are dated by the last call that told the time. It is never later than the truth, so PINGREQ comes
 * early rather than late. */
void session_sent(struct mqtt_session *s)
{
    s->sent_ns = s->now_ns;
}

void session_send_ack(struct mqtt_session *s, enum packet_type type, uint16_t id, uint8_t reason)
{
    if (s->limits.packet_max_bytes < PACKET_ACK_BYTES_MAX)
        reason = PACKET_SUCCESS; /* left out of the packet, which makes it a byte shorter */
    bool waits = s->acks_wait && type == PACKET_PUBCOMP && buffer_length(&s->late) < SESSION_LATE_BYTES_MAX;
    packet_write_ack(waits ? &s->late : &s->out, s->protocol, type, id, reason);
    session_sent(s);
}

void session_send_acks(struct mqtt_session *s)
{
    if (!s->acks_wait || !session_online(s) || buffer_failed(&s->late))
        return; /* the last: check_output sees it */
    s->acks_wait = false;
    if (buffer_length(&s->late)) {
        buffer_append(&s->out, buffer_data(&s->late), buffer_length(&s->late));
        session_sent(s);
    }
    buffer_finish(&s->late);
    session_flush_acks(s);
}

void session_ping(struct mqtt_session *s)
{
    packet_write_pingreq(&s->out);
    session_sent(s);
    s->pinged = true;
    s->ping_ns = s->now_ns;
}

/* A packet that exceeds the server's Maximum Packet Size is taken back: DISCONNECT is a courtesy, and what
 * matters more, the server must not see it (MQTT-3.2.2-15). */
static bool send_disconnect(struct mqtt_session *s, uint8_t reason, const uint32_t *expiry_s)
{
    size_t before = buffer_length(&s->out);
    packet_write_disconnect(&s->out, s->protocol, reason, expiry_s);
    if (buffer_length(&s->out) - before <= s->limits.packet_max_bytes)
        return true;
    buffer_truncate(&s->out, before);
    return false;
}

int session_fail(struct mqtt_session *s, enum mqtt_cause cause, uint8_t reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
    s->cause = cause;
    /* 3.1.1 has no words for it, and its DISCONNECT would say that all is well. */
    if (session_online(s) && s->protocol == MQTT_5 && reason)
        send_disconnect(s, reason, NULL);
    s->phase = PHASE_ENDING;
    return -EPROTO;
}

void mqtt_session_opened(struct mqtt_session *s, uint64_t now_ns)
{
    CHECK(s->phase == PHASE_OFFLINE);
    s->now_ns = s->opened_ns = s->heard_ns = now_ns;
    s->phase = PHASE_CONNECTING;
    s->cause = MQTT_CAUSE_NONE;
    s->text[0] = s->refusal[0] = '\0';
    s->pinged = s->heard_anything = s->hung_up = false;
    buffer_clear(&s->out);
    session_send_connect(s);
}

static int on_disconnect(struct mqtt_session *s, const struct packet_farewell *farewell)
{
    if (s->protocol != MQTT_5)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, 0, "DISCONNECT from a 3.1.1 broker");
    return session_fail(
        s, session_cause_of_disconnect(farewell->reason), 0,
        "the broker disconnects: %s (0x%02x)%s%.*s%s%.*s", packet_reason_name(farewell->reason),
        farewell->reason, farewell->reason_string.data ? ": " : "", SLICE_ARG(farewell->reason_string),
        farewell->server_reference.data ? "; server reference: " : "", SLICE_ARG(farewell->server_reference));
}

/* What a server may send once CONNACK has come. */
static int on_packet_online(struct mqtt_session *s, const struct packet *packet)
{
    switch (packet->type) {
    case PACKET_PUBLISH:
        return session_on_publish(s, &packet->u.publish);
    case PACKET_PUBACK:
        return session_on_puback(s, &packet->u.ack);
    case PACKET_PUBREC:
        return session_on_pubrec(s, &packet->u.ack);
    case PACKET_PUBREL:
        session_on_pubrel(s, &packet->u.ack);
        return 0;
    case PACKET_PUBCOMP:
        return session_on_pubcomp(s, &packet->u.ack);
    case PACKET_SUBACK:
        return session_on_suback(s, &packet->u.suback);
    case PACKET_UNSUBACK:
        return session_on_unsuback(s, &packet->u.suback);
    case PACKET_PINGRESP:
        return 0;
    case PACKET_DISCONNECT:
        return on_disconnect(s, &packet->u.farewell);
    default: /* AUTH: we never offer it (MQTT-4.12.0-7) */
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR, "unexpected %s",
                            packet_type_name(packet->type));
    }
}

static int on_packet(struct mqtt_session *s, const struct packet *packet)
{
    if (s->refusal[0] && packet->type != PACKET_DISCONNECT)
        session_send_acks(s);
    s->refusal[0] = '\0';
    if (packet->type == PACKET_CONNACK)
        return session_on_connack(s, &packet->u.connack);
    if (s->phase == PHASE_CONNECTING)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, 0, "%s before CONNACK (MQTT-3.2.0-1)",
                            packet_type_name(packet->type));
    return on_packet_online(s, packet);
}

/* A 3.1.1 broker answers CONNECT of version 5 with a CONNACK of its own version, which is one byte shorter
 * than any of MQTT 5 (MQTT-3.1.2-2, and 3.1.1's return code 1). */
static bool is_old_connack(const struct mqtt_session *s, const uint8_t *data, size_t len)
{
    return s->phase == PHASE_CONNECTING && len >= 2 && data[0] == PACKET_CONNACK << 4 && data[1] == 2;
}

/* The answer of a web server, and so of a WebSocket listener, to a CONNECT that came without WebSocket. */
static bool is_http(const struct mqtt_session *s, const uint8_t *data, size_t len)
{
    return s->phase == PHASE_CONNECTING && slice_starts_with(slice_make(data, len), "HTTP/");
}

static int fail_on_bytes(struct mqtt_session *s, const uint8_t *data, size_t len,
                         const struct packet_fault *fault)
{
    if (is_http(s, data, len))
        return session_fail(
            s, MQTT_CAUSE_PROTOCOL, 0,
            "what answers CONNECT speaks HTTP: if it is the broker's WebSocket listener, write "
            "ws:// (with TLS wss://)");
    return session_fail(s, MQTT_CAUSE_PROTOCOL, fault->reason, "%s%s%s",
                        fault->type ? packet_type_name(fault->type) : "", fault->type ? ": " : "",
                        fault->text);
}

/* 1: a packet was dealt with, *ret_len bytes long. 0: incomplete. -EPROTO. */
static int take_packet(struct mqtt_session *s, const uint8_t *data, size_t len, size_t *ret_len)
{
    struct packet packet;
    struct packet_fault fault;
    bool old = s->protocol == MQTT_5 && is_old_connack(s, data, len);
    int result = packet_decode(data, len, old ? MQTT_3_1_1 : s->protocol, s->options.packet_max_bytes,
                               &packet, &fault);
    if (result == 0)
        return 0;
    if (result < 0)
        return fail_on_bytes(s, data, len, &fault);
    if (old)
        packet.u.connack.reason = PACKET_UNSUPPORTED_VERSION;
    *ret_len = packet.len;
    int error = on_packet(s, &packet);
    return error < 0 ? error : 1;
}

static void report(struct mqtt_session *s)
{
    session_out_report(s);
    session_sub_report(s);
}

/* Memory for output ran out: the stream would have a hole. The broker sends again what it misses. */
static int check_output(struct mqtt_session *s)
{
    bool failed = buffer_failed(&s->out) || buffer_failed(&s->late);
    if (!failed || (s->phase != PHASE_ONLINE && s->phase != PHASE_CONNECTING))
        return 0;
    return session_fail(s, MQTT_CAUSE_NETWORK, 0, "out of memory for output");
}

int mqtt_session_input(struct mqtt_session *s, const uint8_t *data, size_t len, uint64_t now_ns,
                       size_t *ret_used)
{
    size_t used = 0, packet_len = 0;
    int result = 1;
    s->now_ns = now_ns;
    if (len) {
        s->heard_ns = now_ns;
        s->heard_anything = true;
        s->pinged = false;
    }
    while (result > 0 && used < len && (s->phase == PHASE_CONNECTING || s->phase == PHASE_ONLINE)) {
        result = take_packet(s, data + used, len - used, &packet_len);
        if (result > 0)
            used += packet_len;
    }
    report(s);
    *ret_used = s->phase == PHASE_CONNECTING || s->phase == PHASE_ONLINE ? used : len;
    if (result < 0 || s->phase == PHASE_ENDING)
        return -EPROTO;
    return check_output(s);
}

int mqtt_session_take_input(struct mqtt_session *s, struct buffer *bytes, uint64_t now_ns)
{
    size_t used = 0;
    s->lent = bytes;
    int error = mqtt_session_input(s, buffer_data(bytes), buffer_length(bytes), now_ns, &used);
    s->lent = NULL;
    if (bytes->memory)
        buffer_consume(bytes, used);
    return error;
}

static uint64_t ping_due_ns(const struct mqtt_session *s)
{
    uint64_t quiet_since_ns = s->sent_ns < s->heard_ns ? s->sent_ns : s->heard_ns;
    return quiet_since_ns + s->keep_alive_s * NS_PER_S;
}

static uint64_t ping_lost_ns(const struct mqtt_session *s)
{
    uint64_t timeout_ns = s->keep_alive_s * NS_PER_S;
    if (s->keep_alive_s >= SESSION_SHORT_KEEP_ALIVE_S)
        timeout_ns /= 2; /* as brokers do it: dead after one and a half */
    if (timeout_ns > SESSION_PING_TIMEOUT_S * NS_PER_S)
        timeout_ns = SESSION_PING_TIMEOUT_S * NS_PER_S;
    return s->ping_ns + timeout_ns;
}

static uint64_t connect_lost_ns(const struct mqtt_session *s)
{
    return s->opened_ns + s->options.connect_timeout_s * NS_PER_S;
}

/* PINGREQ when nothing was sent for the keep-alive (MQTT-3.1.2-20), and also when nothing was heard: a dead
 * link swallows publishes for many minutes before TCP says so. */
static int tick_online(struct mqtt_session *s)
{
    if (!s->keep_alive_s)
        return 0;
    if (s->pinged && s->now_ns >= ping_lost_ns(s))
        return session_fail(s, MQTT_CAUSE_NETWORK, 0, "the broker does not answer PINGREQ");
    if (!s->pinged && s->now_ns >= ping_due_ns(s))
        session_ping(s);
    return 0;
}

int mqtt_session_tick(struct mqtt_session *s, uint64_t now_ns)
{
    int error = 0;
    s->now_ns = now_ns;
    report(s);
    if (s->phase == PHASE_CONNECTING && now_ns >= connect_lost_ns(s))
        error = session_fail(s, MQTT_CAUSE_NETWORK, 0, "no CONNACK within %u s",
                             (unsigned)s->options.connect_timeout_s);
    else if (session_online(s))
        error = tick_online(s);
    return error < 0 ? error : check_output(s);
}

bool mqtt_session_is_pinging(const struct mqtt_session *s)
{
    return session_online(s) && s->pinged;
}

void mqtt_session_ping_waits(struct mqtt_session *s, uint64_t now_ns)
{
    s->ping_ns = now_ns;
}

uint64_t mqtt_session_deadline(const struct mqtt_session *s)
{
    if (s->phase != PHASE_CLOSED && (session_out_has_report(s) || session_sub_has_report(s)))
        return 0;
    if (s->phase == PHASE_CONNECTING)
        return connect_lost_ns(s);
    if (!session_online(s) || !s->keep_alive_s)
        return CLOCK_NEVER;
    return s->pinged ? ping_lost_ns(s) : ping_due_ns(s);
}

void mqtt_session_lost(struct mqtt_session *s, uint64_t now_ns)
{
    s->now_ns = now_ns;
    buffer_clear(&s->out);
    buffer_trim(&s->out);
    if (s->phase == PHASE_CLOSED || s->phase == PHASE_OFFLINE)
        return;
    if (s->cause == MQTT_CAUSE_NONE) {
        s->cause = MQTT_CAUSE_NETWORK;
        snprintf(s->text, sizeof s->text, "the connection was closed%s",
                 s->phase == PHASE_CONNECTING ? " before CONNACK" : "");
    }
    s->phase = PHASE_OFFLINE;
    s->acks_wait = false;
    buffer_finish(&s->late);
    session_choose_protocol(s);
    session_in_lost(s);
    session_out_lost(s);
    session_sub_lost(s);
}

struct buffer *mqtt_session_output(struct mqtt_session *s)
{
    return &s->out;
}

enum mqtt_cause mqtt_session_cause(const struct mqtt_session *s, const char **ret_text)
{
    *ret_text = s->text;
    return s->cause;
}

enum mqtt_state mqtt_session_state(const struct mqtt_session *s)
{
    static const enum mqtt_state states[] = {
        [PHASE_OFFLINE] = MQTT_OFFLINE, [PHASE_CONNECTING] = MQTT_CONNECTING, [PHASE_ONLINE] = MQTT_ONLINE,
        [PHASE_ENDING] = MQTT_OFFLINE,  [PHASE_CLOSED] = MQTT_CLOSED,
    };
    return states[s->phase];
}

enum mqtt_protocol mqtt_session_protocol(const struct mqtt_session *s)
{
    return s->protocol;
}

/* Acks that may leave are in the output, or wait: they go there when a message is released. */
void mqtt_session_disconnect(struct mqtt_session *s, bool end_session)
{
    static const uint32_t expire_now = 0;
    bool tell_expiry = end_session && !s->options.clean_start && s->options.session_expiry_s;
    session_send_acks(s);
    if (session_online(s) && !send_disconnect(s, PACKET_SUCCESS, tell_expiry ? &expire_now : NULL))
        send_disconnect(s, PACKET_SUCCESS, NULL);
    s->phase = PHASE_CLOSED;
}

void mqtt_session_counts(const struct mqtt_session *s, struct mqtt_session_counts *ret_counts)
{
    *ret_counts = s->counts;
    ret_counts->window = s->place_count[IN_WINDOW];
    ret_counts->orphans = s->place_count[IN_ORPHANS];
}
