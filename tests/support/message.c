#include "support/message.h"

#include "shared/check.h"

#include <mqtt_protocol.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char *copy_bytes(const void *data, size_t len)
{
    char *copy = must_alloc(len + 1);
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

static void copy_user_properties(struct message *to, const mosquitto_property *properties)
{
    bool skip = false;
    for (const mosquitto_property *p = properties; to->property_count < MESSAGE_PROPERTIES_MAX; skip = true) {
        char *key, *value;
        p = mosquitto_property_read_string_pair(p, MQTT_PROP_USER_PROPERTY, &key, &value, skip);
        if (!p)
            return;
        to->keys[to->property_count] = key;
        to->values[to->property_count++] = value;
    }
}

static const char *copy_string(const mosquitto_property *properties, int identifier)
{
    char *text = NULL;
    mosquitto_property_read_string(properties, identifier, &text, false);
    return text;
}

static void copy_correlation(struct message *to, const mosquitto_property *properties)
{
    void *bytes = NULL;
    uint16_t len = 0;
    if (!mosquitto_property_read_binary(properties, MQTT_PROP_CORRELATION_DATA, &bytes, &len, false))
        return;
    to->correlation = copy_bytes(bytes, len);
    to->correlation_len = len;
    free(bytes);
}

struct message *message_copy(const struct mosquitto_message *m, const mosquitto_property *properties)
{
    struct message *copy = must_alloc(sizeof *copy);
    *copy = (struct message){.topic = must_strdup(m->topic),
                             .payload = copy_bytes(m->payload, (size_t)m->payloadlen),
                             .payload_len = (size_t)m->payloadlen,
                             .qos = m->qos,
                             .retained = m->retain,
                             .content_type = copy_string(properties, MQTT_PROP_CONTENT_TYPE),
                             .response_topic = copy_string(properties, MQTT_PROP_RESPONSE_TOPIC)};
    copy_correlation(copy, properties);
    copy_user_properties(copy, properties);
    return copy;
}

static void drop(const char *owned)
{
    free((char *)(uintptr_t)owned);
}

void message_free(struct message *m)
{
    drop(m->topic);
    drop(m->payload);
    drop(m->content_type);
    drop(m->response_topic);
    drop(m->correlation);
    for (size_t i = 0; i < m->property_count; i++) {
        drop(m->keys[i]);
        drop(m->values[i]);
    }
    free(m);
}

const char *message_property(const struct message *m, const char *key)
{
    for (size_t i = 0; i < m->property_count; i++)
        if (strcmp(m->keys[i], key) == 0)
            return m->values[i];
    return NULL;
}

mosquitto_property *message_to_properties(const struct message *m)
{
    mosquitto_property *list = NULL;
    int bad = 0;
    if (m->content_type)
        bad |= mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, m->content_type);
    if (m->response_topic)
        bad |= mosquitto_property_add_string(&list, MQTT_PROP_RESPONSE_TOPIC, m->response_topic);
    if (m->correlation)
        bad |= mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, m->correlation,
                                             (uint16_t)m->correlation_len);
    if (m->expiry_s)
        bad |= mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, m->expiry_s);
    for (size_t i = 0; i < m->property_count; i++)
        bad |= mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, m->keys[i], m->values[i]);
    CHECK(!bad);
    return list;
}
