#include "mqtt/packet_read.h"

#include "shared/utf8.h"

#include <errno.h>

#define CUT_SHORT "a field reaches beyond the end of the packet"

int packet_refuse(struct packet_reader *r, uint8_t reason, const char *text)
{
    r->fault->reason = reason;
    r->fault->text = text;
    return -EBADMSG;
}

int packet_varint(const uint8_t *at, size_t left, uint32_t *ret_value)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i == left)
            return 0;
        value |= (uint32_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] < 0x80) {
            *ret_value = value;
            return (int)i + 1;
        }
    }
    return -EBADMSG;
}

static int take_varint(struct packet_reader *r, uint32_t *ret)
{
    int used = packet_varint(r->at, packet_left(r), ret);
    if (used == 0)
        return packet_refuse(r, PACKET_MALFORMED, CUT_SHORT);
    if (used < 0)
        return packet_refuse(r, PACKET_MALFORMED, "a variable byte integer of five bytes (section 1.5.5)");
    if (packet_varint_padded(r->at, used))
        return packet_refuse(r, PACKET_MALFORMED,
                             "a variable byte integer longer than it need be (MQTT-1.5.5-1)");
    r->at += used;
    return 0;
}

/* Any of the whole-byte numbers, big-endian. */
static int take_number(struct packet_reader *r, size_t bytes, uint32_t *ret)
{
    uint32_t value = 0;
    if (packet_left(r) < bytes)
        return packet_refuse(r, PACKET_MALFORMED, CUT_SHORT);
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | r->at[i];
    r->at += bytes;
    *ret = value;
    return 0;
}

int packet_take_byte(struct packet_reader *r, uint8_t *ret)
{
    if (packet_left(r) < 1)
        return packet_refuse(r, PACKET_MALFORMED, CUT_SHORT);
    *ret = *r->at++;
    return 0;
}

int packet_take_two(struct packet_reader *r, uint16_t *ret)
{
    if (packet_left(r) < 2)
        return packet_refuse(r, PACKET_MALFORMED, CUT_SHORT);
    *ret = (uint16_t)(r->at[0] << 8 | r->at[1]);
    r->at += 2;
    return 0;
}

static int take_binary(struct packet_reader *r, struct slice *ret)
{
    uint16_t len;
    int e = packet_take_two(r, &len);
    if (e)
        return e;
    if (packet_left(r) < len)
        return packet_refuse(r, PACKET_MALFORMED, CUT_SHORT);
    *ret = slice_make(r->at, len);
    r->at += len;
    return 0;
}

int packet_take_string(struct packet_reader *r, struct slice *ret)
{
    int e = take_binary(r, ret);
    if (e)
        return e;
    if (!utf8_valid(*ret))
        return packet_refuse(r, PACKET_MALFORMED,
                             "a string is not UTF-8, or holds U+0000 (MQTT-1.5.4-1, -2)");
    return 0;
}

/* ---- properties ---- */

enum kind { BYTE, TWO_BYTES, FOUR_BYTES, VARINT, STRING, BINARY, STRING_PAIR };

struct rule {
    enum kind kind;
    uint32_t packets; /* a bit for each packet type that a server may send it in; none: unknown */
    uint32_t min, max;
    const char *range; /* the complaint about a number outside */
    bool repeats;
};

#define IN(type) (1u << PACKET_##type)
#define ACKS     (IN(PUBACK) | IN(PUBREC) | IN(PUBREL) | IN(PUBCOMP) | IN(SUBACK) | IN(UNSUBACK))
#define ANSWERS  (ACKS | IN(CONNACK) | IN(DISCONNECT) | IN(AUTH))
#define CLIENTS  (1u << 0) /* known, yet only a client sends it */
#define ANY      0, UINT32_MAX, NULL

static const struct rule rules[PROPERTY_END] = {
    [PROPERTY_PAYLOAD_FORMAT] = {BYTE, IN(PUBLISH),
                                 ANY}, /* passed on as the publisher wrote it (MQTT-3.3.2-4) */
    [PROPERTY_MESSAGE_EXPIRY] = {FOUR_BYTES, IN(PUBLISH), ANY},
    [PROPERTY_CONTENT_TYPE] = {STRING, IN(PUBLISH), ANY},
    [PROPERTY_RESPONSE_TOPIC] = {STRING, IN(PUBLISH), ANY},
    [PROPERTY_CORRELATION] = {BINARY, IN(PUBLISH), ANY},
    [PROPERTY_SUBSCRIPTION_ID] = {VARINT, IN(PUBLISH), 1, UINT32_MAX, "Subscription Identifier 0 (3.3.2.3.8)",
                                  .repeats = true},
    [PROPERTY_SESSION_EXPIRY] = {FOUR_BYTES, IN(CONNACK) | IN(DISCONNECT), ANY},
    [PROPERTY_ASSIGNED_CLIENT_ID] = {STRING, IN(CONNACK), ANY},
    [PROPERTY_SERVER_KEEP_ALIVE] = {TWO_BYTES, IN(CONNACK), ANY},
    [PROPERTY_AUTH_METHOD] = {STRING, IN(CONNACK) | IN(AUTH), ANY},
    [PROPERTY_AUTH_DATA] = {BINARY, IN(CONNACK) | IN(AUTH), ANY},
    [PROPERTY_REQUEST_PROBLEM_INFORMATION] = {BYTE, CLIENTS, ANY},
    [PROPERTY_RESPONSE_INFORMATION] = {STRING, IN(CONNACK), ANY},
    [PROPERTY_SERVER_REFERENCE] = {STRING, IN(CONNACK) | IN(DISCONNECT), ANY},
    [PROPERTY_REASON_STRING] = {STRING, ANSWERS, ANY},
    [PROPERTY_RECEIVE_MAXIMUM] = {TWO_BYTES, IN(CONNACK), 1, UINT16_MAX, "Receive Maximum 0 (3.2.2.3.3)"},
    [PROPERTY_TOPIC_ALIAS_MAXIMUM] = {TWO_BYTES, IN(CONNACK), ANY},
    [PROPERTY_TOPIC_ALIAS] = {TWO_BYTES, IN(PUBLISH), 1, UINT16_MAX, "Topic Alias 0 (MQTT-3.3.2-8)"},
    [PROPERTY_MAXIMUM_QOS] = {BYTE, IN(CONNACK), 0, 1, "Maximum QoS above 1 (3.2.2.3.4)"},
    [PROPERTY_RETAIN_AVAILABLE] = {BYTE, IN(CONNACK), 0, 1, "Retain Available above 1 (3.2.2.3.5)"},
    [PROPERTY_USER] = {STRING_PAIR, ANSWERS | IN(PUBLISH), ANY, .repeats = true},
    [PROPERTY_MAXIMUM_PACKET_SIZE] = {FOUR_BYTES, IN(CONNACK), 1, UINT32_MAX,
                                      "Maximum Packet Size 0 (3.2.2.3.6)"},
    [PROPERTY_WILDCARD_AVAILABLE] = {BYTE, IN(CONNACK), 0, 1,
                                     "Wildcard Subscription Available above 1 (3.2.2.3.11)"},
    [PROPERTY_SUBSCRIPTION_IDS_AVAILABLE] = {BYTE, IN(CONNACK), 0, 1,
                                             "Subscription Identifiers Available above 1 (3.2.2.3.12)"},
    [PROPERTY_SHARED_AVAILABLE] = {BYTE, IN(CONNACK), 0, 1,
                                   "Shared Subscription Available above 1 (3.2.2.3.13)"},
};

static int take_any_number(struct packet_reader *r, enum kind kind, uint32_t *ret)
{
    static const size_t bytes[] = {[BYTE] = 1, [TWO_BYTES] = 2, [FOUR_BYTES] = 4};
    return kind == VARINT ? take_varint(r, ret) : take_number(r, bytes[kind], ret);
}

static int take_ranged(struct packet_reader *r, uint32_t id, struct packet_properties *p)
{
    uint32_t value;
    int e = take_any_number(r, rules[id].kind, &value);
    if (e)
        return e;
    if (value < rules[id].min || value > rules[id].max)
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, rules[id].range);
    p->numbers[id] = value;
    if (id == PROPERTY_SUBSCRIPTION_ID && p->subscription_id_count < MQTT_SUBSCRIPTION_IDS_MAX)
        p->subscription_ids[p->subscription_id_count++] = value;
    return 0;
}

static int take_pair(struct packet_reader *r, struct property *ret)
{
    int e = packet_take_string(r, &ret->key);
    return e ? e : packet_take_string(r, &ret->value);
}

static int take_user(struct packet_reader *r, struct packet_properties *p)
{
    struct property unused;
    p->user.count++;
    return take_pair(r, &unused);
}

static int take_value(struct packet_reader *r, uint32_t id, struct packet_properties *p)
{
    switch (rules[id].kind) {
    case STRING:
        return packet_take_string(r, &p->strings[id]);
    case BINARY:
        return take_binary(r, &p->strings[id]);
    case STRING_PAIR:
        return take_user(r, p);
    default:
        return take_ranged(r, id, p);
    }
}

static int take_property(struct packet_reader *r, enum packet_type type, struct packet_properties *p)
{
    uint32_t id;
    int e = take_varint(r, &id);
    if (e)
        return e;
    if (id >= PROPERTY_END || rules[id].packets == 0)
        return packet_refuse(r, PACKET_MALFORMED, "an unknown property (section 2.2.2.2)");
    if (!(rules[id].packets >> type & 1))
        return packet_refuse(r, PACKET_MALFORMED,
                             "a property that this packet cannot have (section 2.2.2.2)");
    if ((p->seen >> id & 1) && !rules[id].repeats)
        return packet_refuse(r, PACKET_PROTOCOL_ERROR, "a property given twice (section 2.2.2)");
    p->seen |= 1ull << id;
    return take_value(r, id, p);
}

int packet_take_properties(struct packet_reader *r, enum packet_type type, struct packet_properties *ret)
{
    uint32_t len;
    int e = take_varint(r, &len);
    if (e)
        return e;
    if (len > packet_left(r))
        return packet_refuse(r, PACKET_MALFORMED, "the property length reaches beyond the packet");
    struct packet_reader block = {r->at, r->at + len, r->fault};
    ret->seen = 0;
    ret->subscription_id_count = 0;
    ret->user = (struct packet_user_properties){slice_make(r->at, len), 0};
    r->at += len;
    while (e == 0 && block.at < block.end)
        e = take_property(&block, type, ret);
    return e;
}

/* ---- user properties, from a block that has been validated ---- */

/* Takes any property off a block; true when it was a user property. */
static bool next_user(struct packet_reader *r, struct property *ret)
{
    struct packet_properties skipped;
    uint32_t id;
    skipped.subscription_id_count = 0;
    skipped.user.count = 0;
    if (take_varint(r, &id) < 0 || id >= PROPERTY_END)
        r->at = r->end; /* cannot be: the block was validated */
    else if (id == PROPERTY_USER)
        return take_pair(r, ret) == 0;
    else if (take_value(r, id, &skipped) < 0)
        r->at = r->end;
    return false;
}

size_t packet_user_properties_get(const struct packet_user_properties *user, struct property *items,
                                  size_t max)
{
    struct packet_fault fault;
    if (user->count == 0)
        return 0;
    const uint8_t *block = (const uint8_t *)user->block.data;
    struct packet_reader r = {block, block + user->block.len, &fault};
    size_t count = 0;
    if (user->count < max)
        max = user->count;
    while (count < max && r.at < r.end)
        count += next_user(&r, &items[count]);
    return count;
}
