#include "mqtt/packet.h"

#include "mqtt/packet_read.h"
#include "shared/check.h"
#include "shared/topic.h"
#include "shared/utf8.h"

#include <errno.h>

/* Every packet is measured first, so that it is written into memory that is reserved once. */

enum { STRING_MAX = 65535, REMAINING_MAX = 268435455, VARINT_BYTES_MAX = 4 };

static size_t varint_bytes(size_t value)
{
    return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : VARINT_BYTES_MAX;
}

static size_t string_bytes(struct slice text)
{
    return 2 + text.len;
}

static uint8_t *put_byte(uint8_t *at, unsigned value)
{
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_two(uint8_t *at, unsigned value)
{
    return put_byte(put_byte(at, value >> 8), value);
}

static uint8_t *put_four(uint8_t *at, uint32_t value)
{
    return put_two(put_two(at, value >> 16), value & 0xffff);
}

static uint8_t *put_varint(uint8_t *at, size_t value)
{
    for (; value >= 128; value >>= 7)
        at = put_byte(at, (value & 0x7f) | 0x80);
    return put_byte(at, (unsigned)value);
}

static uint8_t *put_bytes(uint8_t *at, struct slice bytes)
{
    if (bytes.len)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static uint8_t *put_string(uint8_t *at, struct slice text)
{
    CHECK(text.len <= STRING_MAX);
    return put_bytes(put_two(at, (unsigned)text.len), text);
}

/* Reserves the packet, but for the bytes at its end that are left out, and writes its fixed header; NULL when
 * memory is gone. */
static uint8_t *begin_without(struct buffer *out, unsigned first, size_t remaining, size_t left_out)
{
    CHECK(remaining <= REMAINING_MAX);
    uint8_t *at = buffer_reserve(out, 1 + varint_bytes(remaining) + remaining - left_out);
    return at ? put_varint(put_byte(at, first), remaining) : NULL;
}

static uint8_t *begin(struct buffer *out, unsigned first, size_t remaining)
{
    return begin_without(out, first, remaining, 0);
}

static void end_without(struct buffer *out, size_t remaining, size_t left_out, const uint8_t *at)
{
    size_t total = 1 + varint_bytes(remaining) + remaining - left_out;
    CHECK(at == out->memory + out->end + total);
    buffer_commit(out, total);
}

static void end(struct buffer *out, size_t remaining, const uint8_t *at)
{
    end_without(out, remaining, 0, at);
}

/* ---- properties: absent ones take no bytes ---- */

static size_t property_string_bytes(struct slice text)
{
    return text.data ? 1 + string_bytes(text) : 0;
}

static uint8_t *put_property_string(uint8_t *at, enum packet_property id, struct slice text)
{
    return text.data ? put_string(put_byte(at, id), text) : at;
}

static uint8_t *put_property_two(uint8_t *at, enum packet_property id, bool present, uint16_t value)
{
    return present ? put_two(put_byte(at, id), value) : at;
}

static uint8_t *put_property_four(uint8_t *at, enum packet_property id, bool present, uint32_t value)
{
    return present ? put_four(put_byte(at, id), value) : at;
}

/* ---- CONNECT ---- */

static bool tells_packet_size(const struct packet_connect *c)
{
    return c->maximum_packet_size != 0 && c->maximum_packet_size < MQTT_PACKET_MAX;
}

static size_t connect_property_bytes(const struct packet_connect *c)
{
    return (c->session_expiry_s ? 5u : 0u) + (c->receive_maximum != UINT16_MAX ? 3u : 0u) +
           (tells_packet_size(c) ? 5u : 0u) + (c->topic_alias_maximum ? 3u : 0u) +
           (c->no_problem_information ? 2u : 0u);
}

static uint8_t *put_connect_properties(uint8_t *at, const struct packet_connect *c)
{
    at = put_varint(at, connect_property_bytes(c));
    at = put_property_four(at, PROPERTY_SESSION_EXPIRY, c->session_expiry_s, c->session_expiry_s);
    at = put_property_two(at, PROPERTY_RECEIVE_MAXIMUM, c->receive_maximum != UINT16_MAX, c->receive_maximum);
    at = put_property_four(at, PROPERTY_MAXIMUM_PACKET_SIZE, tells_packet_size(c), c->maximum_packet_size);
    at = put_property_two(at, PROPERTY_TOPIC_ALIAS_MAXIMUM, c->topic_alias_maximum, c->topic_alias_maximum);
    if (c->no_problem_information)
        at = put_byte(put_byte(at, PROPERTY_REQUEST_PROBLEM_INFORMATION), 0);
    return at;
}

/* 3.1.1 allows a password only with a user name (MQTT-3.1.2-22 of its own count): an empty one will do. */
static struct slice username_of(enum mqtt_protocol protocol, const struct packet_connect *c)
{
    return protocol != MQTT_5 && c->password.data && !c->username.data ? slice_of("") : c->username;
}

enum { WILL = 0x04, WILL_QOS_1 = 0x08, WILL_RETAIN = 0x20 };

static unsigned connect_flags(const struct packet_connect *c, struct slice username)
{
    return (c->will_topic.data ? WILL | WILL_QOS_1 | WILL_RETAIN : 0u) | (username.data ? 0x80u : 0u) |
           (c->password.data ? 0x40u : 0u) | (c->clean_start ? 0x02u : 0u);
}

/* In MQTT 5 with no properties, which takes a byte to say. */
static size_t will_bytes(enum mqtt_protocol protocol, const struct packet_connect *c)
{
    return c->will_topic.data
               ? (protocol == MQTT_5) + string_bytes(c->will_topic) + string_bytes(c->will_payload)
               : 0;
}

static uint8_t *put_will(uint8_t *at, enum mqtt_protocol protocol, const struct packet_connect *c)
{
    if (!c->will_topic.data)
        return at;
    if (protocol == MQTT_5)
        at = put_varint(at, 0);
    return put_string(put_string(at, c->will_topic), c->will_payload);
}

static size_t connect_bytes(enum mqtt_protocol protocol, const struct packet_connect *c,
                            struct slice username)
{
    size_t properties = protocol == MQTT_5 ? connect_property_bytes(c) : 0;
    return 10 + (protocol == MQTT_5 ? varint_bytes(properties) + properties : 0) +
           string_bytes(c->client_id) + will_bytes(protocol, c) +
           (username.data ? string_bytes(username) : 0) + (c->password.data ? string_bytes(c->password) : 0);
}

void packet_write_connect(struct buffer *out, enum mqtt_protocol protocol,
                          const struct packet_connect *connect)
{
    CHECK(connect->receive_maximum != 0 || protocol != MQTT_5);
    struct slice username = username_of(protocol, connect);
    size_t remaining = connect_bytes(protocol, connect, username);
    uint8_t *at = begin(out, PACKET_CONNECT << 4, remaining);
    if (!at)
        return;
    at = put_string(at, slice_of("MQTT"));
    at = put_byte(at, protocol);
    at = put_byte(at, connect_flags(connect, username));
    at = put_two(at, connect->keep_alive_s);
    if (protocol == MQTT_5)
        at = put_connect_properties(at, connect);
    at = put_string(at, connect->client_id);
    at = put_will(at, protocol, connect);
    if (username.data)
        at = put_string(at, username);
    if (connect->password.data)
        at = put_string(at, connect->password);
    end(out, remaining, at);
}

/* ---- PUBLISH ---- */

static size_t user_property_bytes(const struct property *properties, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += 1 + string_bytes(properties[i].key) + string_bytes(properties[i].value);
    return bytes;
}

static size_t publish_property_bytes(const struct mqtt_publish *p)
{
    return (p->has_expiry ? 5u : 0u) + property_string_bytes(p->content_type) +
           property_string_bytes(p->response_topic) + property_string_bytes(p->correlation) +
           user_property_bytes(p->properties, p->property_count);
}

/* `properties`: bytes of the properties without their length. */
static size_t publish_remaining(enum mqtt_protocol protocol, const struct mqtt_publish *p, size_t properties)
{
    return string_bytes(p->topic) + (p->qos ? 2 : 0) +
           (protocol == MQTT_5 ? varint_bytes(properties) + properties : 0) + p->payload.len;
}

static uint8_t *put_publish_properties(uint8_t *at, const struct mqtt_publish *p, size_t bytes)
{
    at = put_varint(at, bytes);
    at = put_property_four(at, PROPERTY_MESSAGE_EXPIRY, p->has_expiry, p->expiry_s);
    at = put_property_string(at, PROPERTY_CONTENT_TYPE, p->content_type);
    at = put_property_string(at, PROPERTY_RESPONSE_TOPIC, p->response_topic);
    at = put_property_string(at, PROPERTY_CORRELATION, p->correlation);
    for (uint32_t i = 0; i < p->property_count; i++) {
        at = put_string(put_byte(at, PROPERTY_USER), p->properties[i].key);
        at = put_string(at, p->properties[i].value);
    }
    return at;
}

static bool string_valid(struct slice text)
{
    return text.len <= STRING_MAX && utf8_valid(text);
}

static bool properties_valid(const struct mqtt_publish *p)
{
    for (uint32_t i = 0; i < p->property_count; i++) {
        if (!string_valid(p->properties[i].key) || !string_valid(p->properties[i].value))
            return false;
    }
    return true;
}

int packet_publish_check(const struct mqtt_publish *publish)
{
    if (publish->qos > 2 || !topic_name_valid(publish->topic))
        return -EINVAL;
    if (publish->response_topic.data && !topic_name_valid(publish->response_topic))
        return -EINVAL;
    if (!string_valid(publish->content_type) || publish->correlation.len > STRING_MAX)
        return -EINVAL;
    if (!properties_valid(publish))
        return -EINVAL;
    return packet_publish_bytes(MQTT_5, publish) > MQTT_PACKET_MAX ? -EMSGSIZE : 0;
}

bool packet_publish_plain(const struct mqtt_publish *p)
{
    bool good = utf8_plain(p->topic) && utf8_plain(p->content_type) && utf8_plain(p->response_topic);
    for (uint32_t i = 0; i < p->property_count; i++)
        good = good && utf8_plain(p->properties[i].key) && utf8_plain(p->properties[i].value);
    return good;
}

size_t packet_publish_bytes(enum mqtt_protocol protocol, const struct mqtt_publish *publish)
{
    size_t properties = protocol == MQTT_5 ? publish_property_bytes(publish) : 0;
    size_t remaining = publish_remaining(protocol, publish, properties);
    return 1 + varint_bytes(remaining) + remaining;
}

/* payload: all of it, or nothing: then the rest of the packet is to follow. */
static void write_publish(struct buffer *out, enum mqtt_protocol protocol, const struct mqtt_publish *publish,
                          uint16_t id, bool dup, struct slice payload)
{
    CHECK((id != 0) == (publish->qos != 0)); /* MQTT-2.2.1-2, -3 */
    unsigned first = PACKET_PUBLISH << 4 | (dup ? PACKET_DUP_FLAG : 0u) | publish->qos << 1 | publish->retain;
    size_t properties = protocol == MQTT_5 ? publish_property_bytes(publish) : 0;
    size_t remaining = publish_remaining(protocol, publish, properties);
    size_t left_out = publish->payload.len - payload.len;
    uint8_t *at = begin_without(out, first, remaining, left_out);
    if (!at)
        return;
    at = put_string(at, publish->topic);
    if (id)
        at = put_two(at, id);
    if (protocol == MQTT_5)
        at = put_publish_properties(at, publish, properties);
    end_without(out, remaining, left_out, put_bytes(at, payload));
}

void packet_write_publish(struct buffer *out, enum mqtt_protocol protocol, const struct mqtt_publish *publish,
                          uint16_t id, bool dup)
{
    write_publish(out, protocol, publish, id, dup, publish->payload);
}

void packet_write_publish_head(struct buffer *out, enum mqtt_protocol protocol,
                               const struct mqtt_publish *publish, uint16_t id, bool dup)
{
    write_publish(out, protocol, publish, id, dup, (struct slice){0});
}

/* ---- acks ---- */

void packet_write_ack(struct buffer *out, enum mqtt_protocol protocol, enum packet_type type, uint16_t id,
                      uint8_t reason)
{
    bool with_reason = reason != 0 && protocol == MQTT_5;
    size_t remaining = with_reason ? 3 : 2;
    unsigned flags = type == PACKET_PUBREL ? 2 : 0; /* MQTT-3.6.1-1 */
    CHECK(id != 0 && type >= PACKET_PUBACK && type <= PACKET_PUBCOMP);
    uint8_t *at = begin(out, (unsigned)type << 4 | flags, remaining);
    if (!at)
        return;
    at = put_two(at, id);
    end(out, remaining, with_reason ? put_byte(at, reason) : at);
}

/* ---- SUBSCRIBE, UNSUBSCRIBE ---- */

static size_t subscribe_bytes(enum mqtt_protocol protocol, const struct packet_subscription *subscriptions,
                              size_t count, size_t properties)
{
    size_t bytes = 2 + (protocol == MQTT_5 ? 1 + properties : 0);
    for (size_t i = 0; i < count; i++)
        bytes += string_bytes(subscriptions[i].filter) + 1;
    return bytes;
}

static unsigned subscription_options(enum mqtt_protocol protocol, const struct packet_subscription *s)
{
    unsigned modern =
        (s->no_local ? 0x04u : 0u) | (s->retain_as_published ? 0x08u : 0u) | s->retain_handling << 4u;
    CHECK(s->qos <= 2 && s->retain_handling <= 2);
    return s->qos | (protocol == MQTT_5 ? modern : 0);
}

static uint8_t *put_subscription_id(uint8_t *at, size_t bytes, uint32_t subscription_id)
{
    at = put_varint(at, bytes);
    return bytes ? put_varint(put_byte(at, PROPERTY_SUBSCRIPTION_ID), subscription_id) : at;
}

void packet_write_subscribe(struct buffer *out, enum mqtt_protocol protocol, uint16_t id,
                            const struct packet_subscription *subscriptions, size_t count,
                            uint32_t subscription_id)
{
    CHECK(id != 0 && count != 0 && subscription_id <= REMAINING_MAX);
    size_t properties = subscription_id ? 1 + varint_bytes(subscription_id) : 0;
    size_t remaining = subscribe_bytes(protocol, subscriptions, count, properties);
    uint8_t *at = begin(out, PACKET_SUBSCRIBE << 4 | 2, remaining); /* MQTT-3.8.1-1 */
    if (!at)
        return;
    at = put_two(at, id);
    if (protocol == MQTT_5)
        at = put_subscription_id(at, properties, subscription_id);
    for (size_t i = 0; i < count; i++)
        at = put_byte(put_string(at, subscriptions[i].filter),
                      subscription_options(protocol, &subscriptions[i]));
    end(out, remaining, at);
}

void packet_write_unsubscribe(struct buffer *out, enum mqtt_protocol protocol, uint16_t id,
                              const struct slice *filters, size_t count)
{
    CHECK(id != 0 && count != 0);
    size_t remaining = protocol == MQTT_5 ? 3 : 2;
    for (size_t i = 0; i < count; i++)
        remaining += string_bytes(filters[i]);
    uint8_t *at = begin(out, PACKET_UNSUBSCRIBE << 4 | 2, remaining); /* MQTT-3.10.1-1 */
    if (!at)
        return;
    at = put_two(at, id);
    if (protocol == MQTT_5)
        at = put_varint(at, 0);
    for (size_t i = 0; i < count; i++)
        at = put_string(at, filters[i]);
    end(out, remaining, at);
}

/* ---- PINGREQ, DISCONNECT ---- */

void packet_write_pingreq(struct buffer *out)
{
    static const uint8_t bytes[] = {PACKET_PINGREQ << 4, 0};
    buffer_append(out, bytes, sizeof bytes);
}

void packet_write_disconnect(struct buffer *out, enum mqtt_protocol protocol, uint8_t reason,
                             const uint32_t *session_expiry_s)
{
    bool modern = protocol == MQTT_5, with_expiry = modern && session_expiry_s;
    size_t remaining = with_expiry ? 7 : modern && reason ? 1 : 0;
    uint8_t *at = begin(out, PACKET_DISCONNECT << 4, remaining);
    if (!at)
        return;
    if (remaining)
        at = put_byte(at, reason);
    if (with_expiry)
        at = put_property_four(put_varint(at, 5), PROPERTY_SESSION_EXPIRY, true, *session_expiry_s);
    end(out, remaining, at);
}
