/* packet.h: MQTT 5.0 and 3.1.1 packets as a client sees them: decodes what a server may send, encodes what a
 * client sends. Pure: no I/O, no clock, no globals, no allocation but the growth of the output buffer.
 *
 * In the dispatcher, on its loop. Decoding happens in place: every slice of a decoded packet is borrowed from
 * the input bytes. What depends on earlier packets (is the packet id in use, is the alias known, does CONNACK
 * come first, was AUTH offered) is the session's business; everything that one packet shows by itself is
 * checked here. Clause numbers are those of MQTT 5.0. */
#ifndef HARK_MQTT_PACKET_H
#define HARK_MQTT_PACKET_H

#include "mqtt/mqtt.h"
#include "shared/buffer.h"

enum packet_type {
    PACKET_CONNECT = 1,
    PACKET_CONNACK,
    PACKET_PUBLISH,
    PACKET_PUBACK,
    PACKET_PUBREC,
    PACKET_PUBREL,
    PACKET_PUBCOMP,
    PACKET_SUBSCRIBE,
    PACKET_SUBACK,
    PACKET_UNSUBSCRIBE,
    PACKET_UNSUBACK,
    PACKET_PINGREQ,
    PACKET_PINGRESP,
    PACKET_DISCONNECT,
    PACKET_AUTH
};

/* Reason codes that the code speaks of by name (section 2.4); packet_reason_name knows all of them. */
enum packet_reason {
    PACKET_SUCCESS = 0x00,
    PACKET_DISCONNECT_WITH_WILL = 0x04,
    PACKET_NO_MATCHING_SUBSCRIBERS = 0x10,
    PACKET_NO_SUBSCRIPTION_EXISTED = 0x11,
    PACKET_CONTINUE_AUTHENTICATION = 0x18,
    PACKET_UNSPECIFIED_ERROR = 0x80,
    PACKET_MALFORMED = 0x81,
    PACKET_PROTOCOL_ERROR = 0x82,
    PACKET_UNSUPPORTED_VERSION = 0x84,
    PACKET_CLIENT_ID_NOT_VALID = 0x85,
    PACKET_BAD_USERNAME_OR_PASSWORD = 0x86,
    PACKET_NOT_AUTHORIZED = 0x87,
    PACKET_SERVER_UNAVAILABLE = 0x88,
    PACKET_SERVER_BUSY = 0x89,
    PACKET_BANNED = 0x8a,
    PACKET_SERVER_SHUTTING_DOWN = 0x8b,
    PACKET_BAD_AUTHENTICATION_METHOD = 0x8c,
    PACKET_KEEP_ALIVE_TIMEOUT = 0x8d,
    PACKET_SESSION_TAKEN_OVER = 0x8e,
    PACKET_TOPIC_NAME_INVALID = 0x90,
    PACKET_ID_IN_USE = 0x91,
    PACKET_ID_NOT_FOUND = 0x92,
    PACKET_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    PACKET_TOPIC_ALIAS_INVALID = 0x94,
    PACKET_TOO_LARGE = 0x95,
    PACKET_RATE_TOO_HIGH = 0x96,
    PACKET_QUOTA_EXCEEDED = 0x97,
    PACKET_USE_ANOTHER_SERVER = 0x9c,
    PACKET_SERVER_MOVED = 0x9d,
    PACKET_CONNECTION_RATE_EXCEEDED = 0x9f
};

/* The reason code in words, for logs: "Not authorized". Never NULL. 0x00 is "Success" whatever the packet. */
const char *packet_reason_name(uint8_t reason);
/* The CONNACK return code of 3.1.1 (0..5) as the reason code of MQTT 5 with the same meaning, so that one
 * table of causes serves both. packet_decode has done it already. */
uint8_t packet_reason_of_return_code(uint8_t code);
/* "PUBLISH" and so on, for logs. Never NULL. */
const char *packet_type_name(enum packet_type type);

/* ---- decoding ---- */

/* User properties of one packet: validated, still encoded. */
struct packet_user_properties {
    struct slice block; /* the packet's whole property block; copying it keeps the strings alive */
    uint32_t count;     /* all of them, also beyond MQTT_USER_PROPERTIES_MAX */
};

/* Hands out the first `max` of them in order, borrowed from the block; returns how many were written. */
size_t packet_user_properties_get(const struct packet_user_properties *user, struct property *items,
                                  size_t max);

struct packet_connack {
    bool session_present;
    uint8_t reason;        /* MQTT 5 meaning; 3.1.1 codes are translated */
    bool retain_available; /* default true, as are the next three */
    bool wildcard_available;
    bool subscription_ids_available;
    bool shared_available;
    bool has_session_expiry;
    bool has_server_keep_alive;
    uint8_t maximum_qos;          /* default 2 */
    uint16_t receive_maximum;     /* default 65535 */
    uint16_t topic_alias_maximum; /* default 0 */
    uint16_t server_keep_alive_s;
    uint32_t session_expiry_s;
    uint32_t maximum_packet_size; /* default MQTT_PACKET_MAX */
    struct slice assigned_client_id;
    struct slice reason_string; /* this and the rest: absent unless given */
    struct slice response_information;
    struct slice server_reference;
    struct slice auth_method;
    struct slice auth_data;
    struct packet_user_properties user;
};

struct packet_publish {
    struct slice topic; /* a valid topic name; empty only with an alias (section 3.3.2.1) */
    struct slice payload;
    struct slice content_type;   /* absent unless given */
    struct slice response_topic; /* a valid topic name */
    struct slice correlation;
    struct packet_user_properties user;
    uint32_t expiry_s;    /* valid if has_expiry */
    uint16_t id;          /* 0 at QoS 0 */
    uint16_t topic_alias; /* 0: none; whether it is within our maximum is the session's question */
    uint8_t qos;
    bool dup;
    bool retain;
    bool has_expiry;
    bool payload_is_utf8; /* Payload Format Indicator 1; not verified */
    /* There was a Response Topic that is no topic name (MQTT-3.3.2-14), or one that some brokers end the
     * connection for (utf8_plain): it is left out. Brokers forward it as
     * the publisher wrote it (MQTT-3.3.2-15): were it to end the connection, one message of any publisher
     * would come again after each reconnect and lock the session out for ever. */
    bool bad_response_topic;
    uint8_t subscription_id_count; /* those beyond the maximum are dropped */
    uint32_t subscription_ids[MQTT_SUBSCRIPTION_IDS_MAX];
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
struct packet_ack {
    uint16_t id;
    uint8_t reason; /* 0 when left out, and in 3.1.1 */
    struct slice reason_string;
    struct packet_user_properties user;
};

/* SUBACK, UNSUBACK. */
struct packet_suback {
    uint16_t id;
    struct slice reasons; /* one byte for each filter, at least one; empty for UNSUBACK in 3.1.1 */
    struct slice reason_string;
    struct packet_user_properties user;
};

/* DISCONNECT, AUTH. */
struct packet_farewell {
    uint8_t reason;
    struct slice reason_string;
    struct slice server_reference; /* DISCONNECT only */
    struct slice auth_method;      /* AUTH only, as is auth_data */
    struct slice auth_data;
    struct packet_user_properties user;
};

struct packet {
    enum packet_type type;
    size_t len; /* bytes of the whole packet, its header included */
    union {
        struct packet_connack connack;
        struct packet_publish publish;
        struct packet_ack ack;
        struct packet_suback suback;
        struct packet_farewell farewell;
    } u; /* nothing for PINGRESP */
};

/* Why a packet was refused. */
struct packet_fault {
    uint8_t reason;        /* what DISCONNECT answers: PACKET_MALFORMED, _PROTOCOL_ERROR or _TOO_LARGE */
    const char *text;      /* static, in words, with the clause: "QoS 3 (MQTT-3.3.1-4)" */
    enum packet_type type; /* of the offending packet; 0: not even that is known */
};

/* Decodes the packet at the start of data[len]. `protocol` is MQTT_5 or MQTT_3_1_1. max_bytes: our Maximum
 * Packet Size; a header that announces more is refused before the rest has come. A CONNACK of a server that
 * does not know MQTT 5 (the two bytes of 3.1.1, code 1) is understood in MQTT_5 too:
 * PACKET_UNSUPPORTED_VERSION. 1: *ret is filled in, and ret->len bytes are used. 0: incomplete, wait for more
 * bytes. *ret holds nothing of use then, and may have been written to, unless 1 is returned. -EBADMSG:
 * *ret_fault says what to answer; the connection is beyond repair. */
__attribute__((warn_unused_result)) int packet_decode(const uint8_t *data, size_t len,
                                                      enum mqtt_protocol protocol, size_t max_bytes,
                                                      struct packet *ret, struct packet_fault *ret_fault);

/* ---- encoding: each appends one whole packet; out of memory marks the buffer failed ---- */

struct packet_connect {
    struct slice client_id;                /* at most 65535 bytes, as every string here */
    struct slice username;                 /* absent: none */
    struct slice password;                 /* absent: none; without a username 3.1.1 sends an empty one */
    struct slice will_topic, will_payload; /* absent topic: no will; else at QoS 1, retained */
    uint16_t keep_alive_s;
    bool clean_start;
    /* MQTT 5 only; left out of the packet when they have their default */
    bool no_problem_information;  /* Request Problem Information 0 (3.1.2-29) */
    uint16_t receive_maximum;     /* 1..65535 */
    uint16_t topic_alias_maximum; /* 0: the server must not use aliases */
    uint32_t session_expiry_s;
    uint32_t maximum_packet_size; /* 0 or MQTT_PACKET_MAX: no limit is told */
};
void packet_write_connect(struct buffer *out, enum mqtt_protocol protocol,
                          const struct packet_connect *connect);

/* May it be sent at all? 0, -EINVAL (topic or response topic is no topic name, a string is not UTF-8 or over
 * 65535 bytes, QoS 3), -EMSGSIZE (over MQTT_PACKET_MAX). packet_write_publish asks for 0. */
__attribute__((warn_unused_result)) int packet_publish_check(const struct mqtt_publish *publish);
/* Does every broker take its texts? utf8_plain of each. One that ends the connection for it would do so
 * again. */
bool packet_publish_plain(const struct mqtt_publish *publish);
/* Bytes of the whole packet, to be compared with the server's Maximum Packet Size (3.2.2-15). */
size_t packet_publish_bytes(enum mqtt_protocol protocol, const struct mqtt_publish *publish);
/* id: 0 at QoS 0, else not 0. A kept copy is sent again with PACKET_DUP_FLAG set in its first byte. */
void packet_write_publish(struct buffer *out, enum mqtt_protocol protocol, const struct mqtt_publish *publish,
                          uint16_t id, bool dup);
/* The same up to the payload, whose bytes are to follow at once. */
void packet_write_publish_head(struct buffer *out, enum mqtt_protocol protocol,
                               const struct mqtt_publish *publish, uint16_t id, bool dup);
enum { PACKET_DUP_FLAG = 0x08 };

/* PUBACK, PUBREC, PUBREL, PUBCOMP. 3.1.1 leaves out the reason. At most PACKET_ACK_BYTES_MAX bytes. */
void packet_write_ack(struct buffer *out, enum mqtt_protocol protocol, enum packet_type type, uint16_t id,
                      uint8_t reason);
enum { PACKET_ACK_BYTES_MAX = 5 };

struct packet_subscription {
    struct slice filter;
    uint8_t qos;
    /* MQTT 5 only */
    bool no_local; /* never with $share (3.8.3-4) */
    bool retain_as_published;
    uint8_t retain_handling; /* 0..2 */
};
/* count >= 1. subscription_id: 0: none; it holds for all filters of the packet; 3.1.1 leaves it out. */
void packet_write_subscribe(struct buffer *out, enum mqtt_protocol protocol, uint16_t id,
                            const struct packet_subscription *subscriptions, size_t count,
                            uint32_t subscription_id);
void packet_write_unsubscribe(struct buffer *out, enum mqtt_protocol protocol, uint16_t id,
                              const struct slice *filters, size_t count);
void packet_write_pingreq(struct buffer *out);
/* 3.1.1 has neither reason nor expiry. session_expiry_s: NULL: as it was at CONNECT; not 0 after 0 at CONNECT
 * (3.14.2.2.2). */
void packet_write_disconnect(struct buffer *out, enum mqtt_protocol protocol, uint8_t reason,
                             const uint32_t *session_expiry_s);

#endif
