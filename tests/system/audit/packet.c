#include "audit/packet.h"

#include <stdio.h>

enum { PROPERTY_USER = 0x26 };

/* What the broker sent is cut short: not an audit's finding, the end of the audit. */
static void need(bool present)
{
    if (!present) {
        fprintf(stderr, "audit: the broker sent a packet that is none\n");
        _Exit(2);
    }
}

static struct slice take(struct slice *from, size_t len)
{
    need(from->len >= len);
    struct slice taken = {from->data, len};
    from->data += len;
    from->len -= len;
    return taken;
}

static unsigned take8(struct slice *from)
{
    return (uint8_t)take(from, 1).data[0];
}

static unsigned take16(struct slice *from)
{
    unsigned high = take8(from);
    return high << 8 | take8(from);
}

static size_t take_length(struct slice *from)
{
    size_t value = 0;
    for (unsigned shift = 0; shift <= 21; shift += 7) {
        unsigned byte = take8(from);
        value |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    need(false);
    return 0;
}

/* How long the value of a property is, from its identifier on (MQTT 5, 2.2.2.2). */
static size_t value_length(unsigned identifier, struct slice rest)
{
    switch (identifier) {
    case 0x01:
    case 0x17:
    case 0x19:
    case 0x24:
    case 0x25:
    case 0x28:
    case 0x29:
    case 0x2a:
        return 1;
    case 0x13:
    case 0x21:
    case 0x22:
    case 0x23:
        return 2;
    case 0x02:
    case 0x11:
    case 0x18:
    case 0x27:
        return 4;
    case 0x0b: {
        size_t before = rest.len;
        take_length(&rest);
        return before - rest.len;
    }
    default:
        return 2 + take16(&rest);
    }
}

/* The value of the next property of that identifier, with its length where it is a text; moves `from` on. */
static bool next_value(struct slice *from, unsigned wanted, struct slice *ret_value)
{
    while (from->len) {
        unsigned identifier = take8(from);
        if (identifier == PROPERTY_USER) {
            struct slice pair = *from;
            take(&pair, take16(&pair));
            take(&pair, take16(&pair));
            *ret_value = take(from, from->len - pair.len);
        } else {
            *ret_value = take(from, value_length(identifier, *from));
        }
        if (identifier == wanted)
            return true;
    }
    return false;
}

struct slice packet_property(const struct packet *p, const char *key)
{
    struct slice left = p->properties, value;
    while (next_value(&left, PROPERTY_USER, &value)) {
        struct slice name = take(&value, take16(&value));
        struct slice text = take(&value, take16(&value));
        if (slice_equal(name, slice_of(key)))
            return text;
    }
    return (struct slice){0};
}

static void read_publish(struct slice body, uint8_t first, struct packet *p)
{
    p->qos = first >> 1 & 3;
    p->is_again = first >> 3 & 1;
    p->topic = take(&body, take16(&body));
    p->id = p->qos ? (uint16_t)take16(&body) : 0;
    p->properties = take(&body, take_length(&body));
    p->payload = body;
}

bool packet_number(const struct packet *p, unsigned property, unsigned *ret_value)
{
    struct slice left = p->properties, value;
    if (!next_value(&left, property, &value))
        return false;
    *ret_value = take16(&value);
    return true;
}

static void read_connack(struct slice body, struct packet *p)
{
    p->session_present = take8(&body) & 1;
    p->reason = (uint8_t)take8(&body);
    p->properties = take(&body, take_length(&body));
}

static void read_body(struct slice body, uint8_t first, struct packet *p)
{
    *p = (struct packet){.type = first >> 4};
    if (p->type == PUBLISH)
        read_publish(body, first, p);
    else if (p->type == CONNECT)
        p->level = take(&body, 7).data[6]; /* behind the name, "MQTT" */
    else if (p->type == CONNACK)
        read_connack(body, p);
    else if (p->type == SUBACK) {
        p->id = (uint16_t)take16(&body);
        p->reason = (uint8_t)body.data[body.len - 1];
    } else if (p->type >= PUBACK && p->type <= PUBCOMP) {
        p->id = (uint16_t)take16(&body);
        p->reason = body.len ? (uint8_t)take8(&body) : 0;
    }
}

/* Is the whole of the next packet there? */
static bool is_whole(const struct slice *in)
{
    size_t header = 1;
    while (header < in->len && header < 5 && in->data[header] & 0x80)
        header++;
    if (header >= in->len)
        return false;
    struct slice rest = {in->data + 1, in->len - 1};
    size_t len = take_length(&rest);
    return rest.len >= len;
}

bool packet_take(struct buffer *from, struct packet *ret_packet)
{
    struct slice in = slice_make(buffer_data(from), buffer_length(from));
    if (!is_whole(&in))
        return false;
    uint8_t first = (uint8_t)take8(&in);
    struct slice body = take(&in, take_length(&in));
    read_body(body, first, ret_packet);
    buffer_consume(from, buffer_length(from) - in.len); /* the bytes stay until the next append */
    return true;
}
