/* packet_read.h: taking numbers, strings and properties off the body of a packet. Pure; private to the codec.
 *
 * Every take_ function returns 0, or -EBADMSG with the reader's fault filled in. */
#ifndef HARK_MQTT_PACKET_READ_H
#define HARK_MQTT_PACKET_READ_H

#include "mqtt/packet.h"

struct packet_reader {
    const uint8_t *at;
    const uint8_t *end;
    struct packet_fault *fault;
};

/* Section 2.2.2.2. */
enum packet_property {
    PROPERTY_PAYLOAD_FORMAT = 0x01,
    PROPERTY_MESSAGE_EXPIRY = 0x02,
    PROPERTY_CONTENT_TYPE = 0x03,
    PROPERTY_RESPONSE_TOPIC = 0x08,
    PROPERTY_CORRELATION = 0x09,
    PROPERTY_SUBSCRIPTION_ID = 0x0b,
    PROPERTY_SESSION_EXPIRY = 0x11,
    PROPERTY_ASSIGNED_CLIENT_ID = 0x12,
    PROPERTY_SERVER_KEEP_ALIVE = 0x13,
    PROPERTY_AUTH_METHOD = 0x15,
    PROPERTY_AUTH_DATA = 0x16,
    PROPERTY_REQUEST_PROBLEM_INFORMATION = 0x17,
    PROPERTY_RESPONSE_INFORMATION = 0x1a,
    PROPERTY_SERVER_REFERENCE = 0x1c,
    PROPERTY_REASON_STRING = 0x1f,
    PROPERTY_RECEIVE_MAXIMUM = 0x21,
    PROPERTY_TOPIC_ALIAS_MAXIMUM = 0x22,
    PROPERTY_TOPIC_ALIAS = 0x23,
    PROPERTY_MAXIMUM_QOS = 0x24,
    PROPERTY_RETAIN_AVAILABLE = 0x25,
    PROPERTY_USER = 0x26,
    PROPERTY_MAXIMUM_PACKET_SIZE = 0x27,
    PROPERTY_WILDCARD_AVAILABLE = 0x28,
    PROPERTY_SUBSCRIPTION_IDS_AVAILABLE = 0x29,
    PROPERTY_SHARED_AVAILABLE = 0x2a,
    PROPERTY_END
};

/* The values of one property block. Only what `seen` names is set, so that nothing needs zeroing. */
struct packet_properties {
    uint64_t seen; /* a bit for each property id */
    struct packet_user_properties user;
    uint8_t subscription_id_count;
    uint32_t subscription_ids[MQTT_SUBSCRIPTION_IDS_MAX];
    uint32_t numbers[PROPERTY_END];
    struct slice strings[PROPERTY_END];
};

static inline bool packet_has(const struct packet_properties *p, enum packet_property id)
{
    return p->seen >> id & 1;
}

static inline uint32_t packet_number(const struct packet_properties *p, enum packet_property id,
                                     uint32_t otherwise)
{
    return packet_has(p, id) ? p->numbers[id] : otherwise;
}

static inline struct slice packet_string(const struct packet_properties *p, enum packet_property id)
{
    return packet_has(p, id) ? p->strings[id] : (struct slice){0};
}

/* Fills in the fault; returns -EBADMSG. */
__attribute__((cold)) int packet_refuse(struct packet_reader *r, uint8_t reason, const char *text);

/* A variable byte integer at at[left]: how many bytes it takes, 0: incomplete, -EBADMSG: over four bytes. */
int packet_varint(const uint8_t *at, size_t left, uint32_t *ret_value);
/* Does it take more bytes than it needs (MQTT-1.5.5-1)? */
static inline bool packet_varint_padded(const uint8_t *at, int used)
{
    return used > 1 && at[used - 1] == 0;
}

int packet_take_byte(struct packet_reader *r, uint8_t *ret);
int packet_take_two(struct packet_reader *r, uint16_t *ret);
/* UTF-8 is checked (MQTT-1.5.4-1, -2). */
int packet_take_string(struct packet_reader *r, struct slice *ret);
/* A property length and that many bytes of properties, for a packet of this type. */
int packet_take_properties(struct packet_reader *r, enum packet_type type, struct packet_properties *ret);

/* Is the reason code defined for what a server sends in this packet (MQTT 5)? */
bool packet_reason_defined(enum packet_type type, uint8_t reason);

static inline size_t packet_left(const struct packet_reader *r)
{
    return (size_t)(r->end - r->at);
}

#endif
