/* message.h: a copy of an MQTT message, with what MQTT 5 says about it. */
#ifndef TESTS_SUPPORT_MESSAGE_H
#define TESTS_SUPPORT_MESSAGE_H

#include <mosquitto.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_PROPERTIES_MAX = 16 };

/* One that arrived owns its strings; a test that sends one fills in literals. */
struct message {
    const char *topic;
    const char *payload; /* with a NUL that is not counted */
    size_t payload_len;
    int qos;
    bool retained;
    const char *content_type; /* NULL: absent, as below */
    const char *response_topic;
    const char *correlation; /* with a NUL that is not counted */
    size_t correlation_len;
    uint32_t expiry_s;     /* of one that a test sends; 0: none */
    size_t property_count; /* user properties */
    const char *keys[MESSAGE_PROPERTIES_MAX], *values[MESSAGE_PROPERTIES_MAX];
};

/* A copy of what libmosquitto hands out; the caller frees it with message_free. */
struct message *message_copy(const struct mosquitto_message *m, const mosquitto_property *properties);
void message_free(struct message *m);

/* The value of a user property, or NULL. */
const char *message_property(const struct message *m, const char *key);

/* What a test sends: `properties` of libmosquitto's, made of the message's fields. */
mosquitto_property *message_to_properties(const struct message *m);

#endif
