#include "mqtt/packet.h"

#include "mqtt/packet_read.h"
#include "shared/topic.h"
#include "shared/utf8.h"

#include <errno.h>

/* ---- the fixed header ---- */

enum { FLAGS_NONE = 1u << 0, FLAGS_TWO = 1u << 2, FLAGS_PUBLISH = 0x3c3f };

/* A bit for each value of the four flag bits that a server may send (MQTT-2.1.3-1, MQTT-3.6.1-1). PUBLISH:
 * any but QoS 3 (MQTT-3.3.1-4), and DUP only above QoS 0 (MQTT-3.3.1-2). No bit: no server sends it. */
static const uint16_t flags_allowed[16] = {
    [PACKET_CONNACK] = FLAGS_NONE,    [PACKET_PUBLISH] = FLAGS_PUBLISH, [PACKET_PUBACK] = FLAGS_NONE,
    [PACKET_PUBREC] = FLAGS_NONE,     [PACKET_PUBREL] = FLAGS_TWO,      [PACKET_PUBCOMP] = FLAGS_NONE,
    [PACKET_SUBACK] = FLAGS_NONE,     [PACKET_UNSUBACK] = FLAGS_NONE,   [PACKET_PINGRESP] = FLAGS_NONE,
    [PACKET_DISCONNECT] = FLAGS_NONE, [PACKET_AUTH] = FLAGS_NONE,
};

/* PACKET_DISCONNECT and PACKET_AUTH are the last two. */
static bool first_byte_allowed(uint8_t first, enum mqtt_protocol protocol)
{
    return (flags_allowed[first >> 4] >> (first & 0x0f) & 1) &&
           (protocol == MQTT_5 || first >> 4 < PACKET_DISCONNECT);
}

static const char *what_is_wrong_with_flags(uint8_t first)
{
    if (first >> 4 != PACKET_PUBLISH)
        return "reserved flags of the header are not as they must be (MQTT-2.1.3-1)";
    if ((first & 0x06) == 0x06)
        return "QoS 3 (MQTT-3.3.1-4)";
    return "DUP at QoS 0 (MQTT-3.3.1-2)";
}

__attribute__((cold)) static int refuse_first_byte(struct packet_reader *r, uint8_t first,
                                                   enum mqtt_protocol protocol)
{
    unsigned type = first >> 4;
    if (type == 0 || (type == PACKET_AUTH && protocol != MQTT_5))
        return packet_refuse(r, PACKET_MALFORMED, "a reserved packet type (section 2.1.2)");
    if (flags_allowed[type] == 0 || (type == PACKET_DISCONNECT && protocol != MQTT_5))
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "a packet that only clients send (section 2.1.2)");
    return packet_refuse(r, PACKET_MALFORMED, what_is_wrong_with_flags(first));
}

/* ---- parts that several packets have ---- */

static int take_packet_id(struct packet_reader *r, uint16_t *ret)
{
    int e = packet_take_two(r, ret);
    if (e == 0 && *ret == 0)
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "Packet Identifier 0 (MQTT-2.2.1-3, -4)");
    return e;
}

static int check_reason(struct packet_reader *r, enum packet_type type, uint8_t reason)
{
    if (!packet_reason_defined(type, reason))
        return packet_refuse(r, PACKET_PROTOCOL_ERROR,
                             "a reason code that this packet cannot have (section 2.4)");
    return 0;
}

static int take_reason(struct packet_reader *r, enum packet_type type, uint8_t *ret)
{
    int e = packet_take_byte(r, ret);
    return e ? e : check_reason(r, type, *ret);
}

static int expect_end(struct packet_reader *r)
{
    if (packet_left(r))
        return packet_refuse(r, PACKET_MALFORMED, "bytes behind the end of the last field");
    return 0;
}

/* ---- PUBLISH ---- */

static int check_topic(struct packet_reader *r, const struct packet_publish *p)
{
    if (p->topic.len == 0 && p->topic_alias == 0)
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "no topic and no Topic Alias (3.3.2.1)");
    if (p->topic.len && !topic_name_valid(p->topic))
        return packet_refuse(r, PACKET_MALFORMED, "a topic with wildcards, or not UTF-8 (MQTT-3.3.2-1, -2)");
    return 0;
}

static void take_response_topic(const struct packet_properties *v, struct packet_publish *p)
{
    struct slice topic = packet_string(v, PROPERTY_RESPONSE_TOPIC);
    p->bad_response_topic = topic.data && !(topic_name_valid(topic) && utf8_plain(topic));
    if (!p->bad_response_topic)
        p->response_topic = topic;
}

static int take_publish_properties(struct packet_reader *r, struct packet_publish *p)
{
    struct packet_properties v;
    if (packet_left(r) && *r->at == 0) { /* the usual case: none */
        r->at++;
        return 0;
    }
    int e = packet_take_properties(r, PACKET_PUBLISH, &v);
    if (e)
        return e;
    p->content_type = packet_string(&v, PROPERTY_CONTENT_TYPE);
    take_response_topic(&v, p);
    p->correlation = packet_string(&v, PROPERTY_CORRELATION);
    p->has_expiry = packet_has(&v, PROPERTY_MESSAGE_EXPIRY);
    p->expiry_s = packet_number(&v, PROPERTY_MESSAGE_EXPIRY, 0);
    p->topic_alias = (uint16_t)packet_number(&v, PROPERTY_TOPIC_ALIAS, 0);
    p->payload_is_utf8 = packet_number(&v, PROPERTY_PAYLOAD_FORMAT, 0) == 1;
    p->user = v.user;
    p->subscription_id_count = v.subscription_id_count;
    memcpy(p->subscription_ids, v.subscription_ids, v.subscription_id_count * sizeof *v.subscription_ids);
    return 0;
}

/* The topic's bytes; check_topic looks at them once it is known whether it may be empty. */
static int take_topic(struct packet_reader *r, struct slice *ret)
{
    uint16_t len;
    int e = packet_take_two(r, &len);
    if (e)
        return e;
    if (packet_left(r) < len)
        return packet_refuse(r, PACKET_MALFORMED, "the topic reaches beyond the packet");
    *ret = slice_make(r->at, len);
    r->at += len;
    return 0;
}

static int decode_publish(struct packet_reader *r, uint8_t first, enum mqtt_protocol protocol,
                          struct packet_publish *p)
{
    *p = (struct packet_publish){.qos = first >> 1 & 3, .dup = first >> 3 & 1, .retain = first & 1};
    int e = take_topic(r, &p->topic);
    if (e == 0 && p->qos)
        e = take_packet_id(r, &p->id);
    if (e == 0 && protocol == MQTT_5)
        e = take_publish_properties(r, p);
    if (e == 0)
        e = check_topic(r, p);
    p->payload = slice_make(r->at, packet_left(r));
    return e;
}

/* ---- PUBACK, PUBREC, PUBREL, PUBCOMP ---- */

static int decode_long_ack(struct packet_reader *r, enum packet_type type, struct packet_ack *a)
{
    struct packet_properties v;
    int e = take_reason(r, type, &a->reason);
    if (e || packet_left(r) == 0)
        return e; /* a length of 3: no properties (3.4.2.2.1) */
    e = packet_take_properties(r, type, &v);
    if (e)
        return e;
    a->reason_string = packet_string(&v, PROPERTY_REASON_STRING);
    a->user = v.user;
    return expect_end(r);
}

static int decode_ack(struct packet_reader *r, enum packet_type type, enum mqtt_protocol protocol,
                      struct packet_ack *a)
{
    *a = (struct packet_ack){0};
    int e = take_packet_id(r, &a->id);
    if (e || packet_left(r) == 0)
        return e; /* a length of 2: success (3.4.2.1) */
    return protocol == MQTT_5 ? decode_long_ack(r, type, a) : expect_end(r);
}

/* ---- SUBACK, UNSUBACK ---- */

static int take_suback_properties(struct packet_reader *r, enum packet_type type, struct packet_suback *s)
{
    struct packet_properties v;
    int e = packet_take_properties(r, type, &v);
    if (e)
        return e;
    s->reason_string = packet_string(&v, PROPERTY_REASON_STRING);
    s->user = v.user;
    return 0;
}

/* 3.1.1: only 0, 1, 2 and 0x80 (MQTT-3.9.3-2 of its own count). */
static bool suback_code_defined(enum packet_type type, enum mqtt_protocol protocol, uint8_t code)
{
    return protocol == MQTT_5 ? packet_reason_defined(type, code) : code <= 2 || code == 0x80;
}

static int take_suback_codes(struct packet_reader *r, enum packet_type type, enum mqtt_protocol protocol,
                             struct packet_suback *s)
{
    s->reasons = slice_make(r->at, packet_left(r));
    if (s->reasons.len == 0)
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "no reason code at all (MQTT-3.8.4-6, MQTT-3.11.3-1)");
    for (; r->at < r->end; r->at++) {
        if (!suback_code_defined(type, protocol, *r->at))
            return packet_refuse(r, PACKET_PROTOCOL_ERROR,
                                 "a reason code that this packet cannot have (3.9.3)");
    }
    return 0;
}

static int decode_suback(struct packet_reader *r, enum packet_type type, enum mqtt_protocol protocol,
                         struct packet_suback *s)
{
    *s = (struct packet_suback){0};
    int e = take_packet_id(r, &s->id);
    if (e)
        return e;
    if (protocol == MQTT_5)
        e = take_suback_properties(r, type, s);
    else if (type == PACKET_UNSUBACK)
        return expect_end(r);
    return e ? e : take_suback_codes(r, type, protocol, s);
}

/* ---- CONNACK ---- */

static void take_limits(const struct packet_properties *v, struct packet_connack *c)
{
    c->retain_available = packet_number(v, PROPERTY_RETAIN_AVAILABLE, 1);
    c->wildcard_available = packet_number(v, PROPERTY_WILDCARD_AVAILABLE, 1);
    c->subscription_ids_available = packet_number(v, PROPERTY_SUBSCRIPTION_IDS_AVAILABLE, 1);
    c->shared_available = packet_number(v, PROPERTY_SHARED_AVAILABLE, 1);
    c->maximum_qos = (uint8_t)packet_number(v, PROPERTY_MAXIMUM_QOS, 2);
    c->receive_maximum = (uint16_t)packet_number(v, PROPERTY_RECEIVE_MAXIMUM, UINT16_MAX);
    c->topic_alias_maximum = (uint16_t)packet_number(v, PROPERTY_TOPIC_ALIAS_MAXIMUM, 0);
    c->maximum_packet_size = packet_number(v, PROPERTY_MAXIMUM_PACKET_SIZE, MQTT_PACKET_MAX);
    c->has_session_expiry = packet_has(v, PROPERTY_SESSION_EXPIRY);
    c->session_expiry_s = packet_number(v, PROPERTY_SESSION_EXPIRY, 0);
    c->has_server_keep_alive = packet_has(v, PROPERTY_SERVER_KEEP_ALIVE);
    c->server_keep_alive_s = (uint16_t)packet_number(v, PROPERTY_SERVER_KEEP_ALIVE, 0);
}

static void take_connack_strings(const struct packet_properties *v, struct packet_connack *c)
{
    c->assigned_client_id = packet_string(v, PROPERTY_ASSIGNED_CLIENT_ID);
    c->reason_string = packet_string(v, PROPERTY_REASON_STRING);
    c->response_information = packet_string(v, PROPERTY_RESPONSE_INFORMATION);
    c->server_reference = packet_string(v, PROPERTY_SERVER_REFERENCE);
    c->auth_method = packet_string(v, PROPERTY_AUTH_METHOD);
    c->auth_data = packet_string(v, PROPERTY_AUTH_DATA);
    c->user = v->user;
}

static int take_return_code(struct packet_reader *r, struct packet_connack *c)
{
    if (c->reason > 5)
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "a return code above 5 (3.2.2.3 of MQTT 3.1.1)");
    c->reason = packet_reason_of_return_code(c->reason);
    return expect_end(r);
}

/* What a server that knows only 3.1.1 answers to a CONNECT of MQTT 5, and what some say for it that know the
 * code but not the property length. */
static bool refuses_version(const struct packet_reader *r, const struct packet_connack *c)
{
    return packet_left(r) == 0 && (c->reason == 0x01 || c->reason == PACKET_UNSUPPORTED_VERSION);
}

static int take_connack_rest(struct packet_reader *r, enum mqtt_protocol protocol,
                             struct packet_properties *v, struct packet_connack *c)
{
    if (protocol != MQTT_5)
        return take_return_code(r, c);
    if (refuses_version(r, c)) {
        c->reason = PACKET_UNSUPPORTED_VERSION;
        return 0;
    }
    int e = check_reason(r, PACKET_CONNACK, c->reason);
    if (e == 0)
        e = packet_take_properties(r, PACKET_CONNACK, v);
    return e ? e : expect_end(r);
}

static int take_connack_flags(struct packet_reader *r, struct packet_connack *c)
{
    uint8_t flags = 0;
    int e = packet_take_byte(r, &flags);
    if (e == 0)
        e = packet_take_byte(r, &c->reason);
    if (e == 0 && flags > 1)
        return packet_refuse(r, PACKET_MALFORMED, "reserved bits of the CONNACK flags (MQTT-3.2.2-1)");
    c->session_present = flags;
    return e;
}

static int decode_connack(struct packet_reader *r, enum mqtt_protocol protocol, struct packet_connack *c)
{
    struct packet_properties v;
    v.seen = 0;
    v.user = (struct packet_user_properties){0};
    *c = (struct packet_connack){0};
    int e = take_connack_flags(r, c);
    if (e == 0)
        e = take_connack_rest(r, protocol, &v, c);
    if (e)
        return e;
    if (c->session_present && c->reason)
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "Session Present with a refusal (MQTT-3.2.2-6)");
    take_limits(&v, c);
    take_connack_strings(&v, c);
    return 0;
}

/* ---- DISCONNECT, AUTH ---- */

static int check_farewell(struct packet_reader *r, enum packet_type type, const struct packet_properties *v)
{
    if (packet_has(v, PROPERTY_SESSION_EXPIRY))
        return packet_refuse(r, PACKET_PROTOCOL_ERROR,
                             "Session Expiry Interval from a server (MQTT-3.14.2-2)");
    if (type == PACKET_AUTH && !packet_has(v, PROPERTY_AUTH_METHOD))
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "AUTH without a method (3.15.2.2.2)");
    return expect_end(r);
}

static int take_farewell_properties(struct packet_reader *r, enum packet_type type, struct packet_farewell *f)
{
    struct packet_properties v;
    int e = packet_take_properties(r, type, &v);
    if (e == 0)
        e = check_farewell(r, type, &v);
    if (e)
        return e;
    f->reason_string = packet_string(&v, PROPERTY_REASON_STRING);
    f->server_reference = packet_string(&v, PROPERTY_SERVER_REFERENCE);
    f->auth_method = packet_string(&v, PROPERTY_AUTH_METHOD);
    f->auth_data = packet_string(&v, PROPERTY_AUTH_DATA);
    f->user = v.user;
    return 0;
}

static int decode_farewell(struct packet_reader *r, enum packet_type type, struct packet_farewell *f)
{
    *f = (struct packet_farewell){0};
    if (packet_left(r) == 0)
        return 0; /* 3.14.2.1, 3.15.2.1 */
    int e = take_reason(r, type, &f->reason);
    if (e || (packet_left(r) == 0 && type == PACKET_DISCONNECT))
        return e; /* 3.14.2.2.1: no property length below a length of 2 */
    return take_farewell_properties(r, type, f);
}

/* ---- all of them ---- */

static int decode_body(struct packet_reader *r, uint8_t first, enum mqtt_protocol protocol,
                       struct packet *ret)
{
    switch (ret->type) {
    case PACKET_PUBLISH:
        return decode_publish(r, first, protocol, &ret->u.publish);
    case PACKET_PUBACK:
    case PACKET_PUBREC:
    case PACKET_PUBREL:
    case PACKET_PUBCOMP:
        return decode_ack(r, ret->type, protocol, &ret->u.ack);
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        return decode_suback(r, ret->type, protocol, &ret->u.suback);
    case PACKET_CONNACK:
        return decode_connack(r, protocol, &ret->u.connack);
    case PACKET_DISCONNECT:
    case PACKET_AUTH:
        return decode_farewell(r, ret->type, &ret->u.farewell);
    default: /* PINGRESP */
        return expect_end(r);
    }
}

/* The bytes of the whole packet; 0: not known yet; -EBADMSG. */
static int64_t decode_length(struct packet_reader *r, const uint8_t *data, size_t len,
                             enum mqtt_protocol protocol, size_t max_bytes)
{
    uint32_t remaining;
    int used = packet_varint(data + 1, len - 1, &remaining);
    if (used == 0)
        return 0;
    if (used < 0)
        return packet_refuse(r, PACKET_MALFORMED, "a length of five bytes (section 1.5.5)");
    if (protocol == MQTT_5 && packet_varint_padded(data + 1, used)) /* 3.1.1 does not forbid it */
        return packet_refuse(r, PACKET_MALFORMED, "a length with more bytes than it needs (MQTT-1.5.5-1)");
    int64_t total = 1 + used + (int64_t)remaining;
    if ((uint64_t)total > max_bytes)
        return packet_refuse(r, PACKET_TOO_LARGE, "more than our Maximum Packet Size (MQTT-3.1.2-24)");
    return total;
}

static int decode(struct packet_reader *r, const uint8_t *data, size_t len, enum mqtt_protocol protocol,
                  size_t max_bytes, struct packet *ret)
{
    if (!first_byte_allowed(data[0], protocol))
        return refuse_first_byte(r, data[0], protocol);
    int64_t total = decode_length(r, data, len, protocol, max_bytes);
    if (total <= 0)
        return (int)total;
    if ((uint64_t)total > len)
        return 0;
    uint32_t unused;
    r->at = data + 1 + packet_varint(data + 1, len - 1, &unused);
    r->end = data + total;
    ret->type = (enum packet_type)(data[0] >> 4);
    ret->len = (size_t)total;
    int e = decode_body(r, data[0], protocol, ret);
    return e ? e : 1;
}

int packet_decode(const uint8_t *data, size_t len, enum mqtt_protocol protocol, size_t max_bytes,
                  struct packet *ret, struct packet_fault *ret_fault)
{
    struct packet_reader r = {.fault = ret_fault};
    if (len == 0)
        return 0;
    int e = decode(&r, data, len, protocol, max_bytes, ret);
    if (e < 0)
        ret_fault->type = (enum packet_type)(data[0] >> 4);
    return e;
}
