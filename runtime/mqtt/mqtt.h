/* mqtt.h: the words that packet, session and client share: protocol versions, messages, options, events.
 *
 * In the dispatcher, on its loop. Sources are clause numbers of MQTT 5.0 (OASIS standard, 2019). */
#ifndef HARK_MQTT_MQTT_H
#define HARK_MQTT_MQTT_H

#include "shared/slice.h"

#include <stdint.h>

enum mqtt_protocol {
    MQTT_AUTO = 0,  /* MQTT 5, then 3.1.1 when the broker does not speak 5 */
    MQTT_3_1_1 = 4, /* the values are those of the CONNECT packet */
    MQTT_5 = 5
};

/* What is known of a broker that is asked with MQTT_AUTO. */
enum mqtt_belief {
    MQTT_KNOWS_NOTHING,
    MQTT_TOOK_3_1_1, /* it took 3.1.1 after it hung up on 5, which may also have been a bad moment */
    MQTT_REFUSED_5,  /* its own words */
    MQTT_SPEAKS_5
};

enum {
    MQTT_PACKET_MAX = 268435460,   /* bytes of the longest packet: 5 + 268,435,455 */
    MQTT_USER_PROPERTIES_MAX = 64, /* that are handed on; more in one message: Protocol Error on our side is
                                    * not ours to call, so the rest is dropped */
    MQTT_SUBSCRIPTION_IDS_MAX = 8, /* of one message that are handed on */
    MQTT_FILTERS_MAX = 64          /* filters of one session */
};

/* A message from the broker. Owned by the session, one allocation, bytes included; lent to the receiver until
 * it calls mqtt_client_release, which must come exactly once for each message. */
struct mqtt_message {
    struct slice topic; /* alias resolved */
    struct slice payload;
    struct slice content_type;   /* absent unless given; all below are MQTT 5 */
    struct slice response_topic; /* valid topic name */
    struct slice correlation;
    struct property *properties;
    uint32_t property_count;
    uint32_t expiry_s; /* seconds left when it arrived; valid if has_expiry */
    bool has_expiry;
    uint8_t qos;
    bool retained;
    bool dup;
    uint8_t subscription_id_count;
    uint32_t subscription_ids[MQTT_SUBSCRIPTION_IDS_MAX];
    uint64_t received_ns; /* monotonic */
};

/* A message to the broker: borrowed until mqtt_client_publish returns, which copies what it needs. In 3.1.1
 * the properties, content type, response topic, correlation and expiry are left out. */
struct mqtt_publish {
    struct slice topic;
    struct slice payload;
    struct slice content_type;
    struct slice response_topic;
    struct slice correlation;
    const struct property *properties;
    uint32_t property_count;
    uint32_t expiry_s;
    bool has_expiry;
    uint64_t
        made_ns; /* monotonic; with has_expiry: what it waits here to be sent is taken off. 0: nothing is */
    uint8_t qos;
    bool retain;
    bool checked; /* packet_publish_check is known to say 0 */
};

struct mqtt_filter {
    struct slice filter; /* plain MQTT filter */
    uint8_t qos;         /* 0..2: the most wanted */
    bool want_retained;  /* Retain Handling 1, else 2 (MQTT 5); in 3.1.1 the receiver drops what it does not
                            want */
    uint32_t subscription_id; /* 1..268,435,455; sent when the broker offers it. 0: none */
};

/* Where a session stands, for logs and `status`. */
enum mqtt_state {
    MQTT_OFFLINE,    /* not connected; a reconnect is planned */
    MQTT_CONNECTING, /* name look-up, TCP, CONNECT sent */
    MQTT_ONLINE,     /* CONNACK 0 received */
    MQTT_CLOSED      /* closed by us for good */
};

/* Why a connection attempt or a connection ended: decides what happens next. */
enum mqtt_cause {
    MQTT_CAUSE_NONE,
    MQTT_CAUSE_NETWORK, /* refused, reset, no route, name unknown, keep-alive missed: back off, try again */
    MQTT_CAUSE_BUSY,    /* the broker says: unavailable, busy, quota, rate: back off, try again */
    MQTT_CAUSE_REFUSED, /* bad credentials, not authorised, banned, client id refused: try again slowly */
    MQTT_CAUSE_TAKEN_OVER, /* 0x8E: somebody else uses our client id: do not fight, try again slowly */
    MQTT_CAUSE_PROTOCOL,   /* the broker broke the standard; we said so and left: back off, try again */
    MQTT_CAUSE_VERSION     /* the broker refuses MQTT 5, or hangs up on it: try 3.1.1 at once */
};

#endif
