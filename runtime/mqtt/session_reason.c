/* session_reason.c: what a reason code of the broker means for the next connection, and to people. */
#include "mqtt/session_internal.h"

#include <stdio.h>

enum { TOPIC_SHOWN_MAX = 100 };

/* CONNACK (MQTT-3.2.2.2). What is not named here is a fault in what we said to each other. */
enum mqtt_cause session_cause_of_refusal(uint8_t reason)
{
    switch (reason) {
    case PACKET_UNSUPPORTED_VERSION:
        return MQTT_CAUSE_VERSION;
    case PACKET_CLIENT_ID_NOT_VALID:
    case PACKET_BAD_USERNAME_OR_PASSWORD:
    case PACKET_NOT_AUTHORIZED:
    case PACKET_BANNED:
    case PACKET_BAD_AUTHENTICATION_METHOD:
    case PACKET_SERVER_MOVED:
        return MQTT_CAUSE_REFUSED;
    case PACKET_UNSPECIFIED_ERROR:
    case PACKET_SERVER_UNAVAILABLE:
    case PACKET_SERVER_BUSY:
    case PACKET_QUOTA_EXCEEDED:
    case PACKET_USE_ANOTHER_SERVER:
    case PACKET_CONNECTION_RATE_EXCEEDED:
        return MQTT_CAUSE_BUSY;
    default:
        return MQTT_CAUSE_PROTOCOL;
    }
}

/* DISCONNECT (MQTT-3.14.2.1). */
enum mqtt_cause session_cause_of_disconnect(uint8_t reason)
{
    switch (reason) {
    case PACKET_SESSION_TAKEN_OVER:
        return MQTT_CAUSE_TAKEN_OVER;
    case PACKET_NOT_AUTHORIZED:
    case PACKET_BANNED:
    case PACKET_BAD_AUTHENTICATION_METHOD:
    case PACKET_SERVER_MOVED:
        return MQTT_CAUSE_REFUSED;
    case PACKET_SUCCESS:
    case PACKET_KEEP_ALIVE_TIMEOUT:
        return MQTT_CAUSE_NETWORK;
    case PACKET_UNSPECIFIED_ERROR:
    case PACKET_SERVER_BUSY:
    case PACKET_SERVER_SHUTTING_DOWN:
    case PACKET_RATE_TOO_HIGH:
    case PACKET_QUOTA_EXCEEDED:
    case 0x98: /* administrative action */
    case PACKET_USE_ANOTHER_SERVER:
    case PACKET_CONNECTION_RATE_EXCEEDED:
    case 0xa0: /* maximum connect time */
        return MQTT_CAUSE_BUSY;
    default:
        return MQTT_CAUSE_PROTOCOL;
    }
}

/* ---- refused publishes ---- */

/* As much of a topic as a line of the log has room for; the length of `%.*s`. */
static int shown(struct slice topic)
{
    return topic.len < TOPIC_SHOWN_MAX ? (int)topic.len : (int)TOPIC_SHOWN_MAX;
}

void session_note_refusal(struct mqtt_session *s, struct slice topic, unsigned reason)
{
    snprintf(s->refusal, sizeof s->refusal, " after it refused a publish to %.*s: %s (0x%02x)", shown(topic),
             topic.data, packet_reason_name((uint8_t)reason), reason);
}

void mqtt_session_suspect(const struct mqtt_session *s, char *ret_text, size_t size)
{
    const struct outbound *first = TAILQ_FIRST(&s->outbox);
    snprintf(ret_text, size, "%s", s->refusal);
    if (s->refusal[0] || s->on_wire != 1 || !first || !first->on_wire || !first->left_open)
        return;
    struct slice topic = first->publish.topic;
    snprintf(ret_text, size,
             " with a publish to %.*s unanswered, not for the first time: is it allowed (ACL)?", shown(topic),
             topic.data);
}
