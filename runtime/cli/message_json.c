#include "cli/message_json.h"

#include "cli/moment.h"
#include "shared/base64.h"
#include "shared/check.h"
#include "shared/utf8.h"
#include "shared/visible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_text(json_t *object, const char *key, struct slice text)
{
    if (text.data)
        json_object_set_new(object, key, json_stringn(text.data, text.len));
}

static void set_base64(json_t *object, const char *key, struct slice bytes)
{
    char *text = must_alloc(BASE64_SIZE(bytes.len));
    base64_encode(bytes, text);
    json_object_set_new(object, key, json_string(text));
    free(text);
}

/* A payload is at most some MiB, so its length fits an int. */
static void set_bytes(json_t *object, const char *key, const char *base64_key, struct slice bytes)
{
    if (bytes.data && utf8_valid(bytes))
        set_text(object, key, bytes);
    else if (bytes.data)
        set_base64(object, base64_key, bytes);
}

static json_t *encode_properties(const struct mqtt_publish *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->property_count; i++) {
        json_t *pair = json_object();
        set_text(pair, "key", p->properties[i].key);
        set_text(pair, "value", p->properties[i].value);
        json_array_append_new(list, pair);
    }
    return list;
}

struct mqtt_publish message_as_publish(const struct mqtt_message *m)
{
    return (struct mqtt_publish){.topic = m->topic,
                                 .payload = m->payload,
                                 .content_type = m->content_type,
                                 .response_topic = m->response_topic,
                                 .correlation = m->correlation,
                                 .properties = m->properties,
                                 .property_count = m->property_count,
                                 .expiry_s = m->expiry_s,
                                 .has_expiry = m->has_expiry,
                                 .qos = m->qos,
                                 .retain = m->retained};
}

json_t *message_json(const struct mqtt_publish *p)
{
    json_t *object = json_object();
    set_text(object, "topic", p->topic);
    set_bytes(object, "payload", "payload_base64", p->payload);
    json_object_set_new(object, "qos", json_integer(p->qos));
    json_object_set_new(object, "retained", json_boolean(p->retain));
    set_text(object, "content_type", p->content_type);
    set_text(object, "response_topic", p->response_topic);
    set_bytes(object, "correlation", "correlation_base64", p->correlation);
    if (p->property_count > 0)
        json_object_set_new(object, "properties", encode_properties(p));
    if (p->has_expiry)
        json_object_set_new(object, "expiry_s", json_integer(p->expiry_s));
    return object;
}

/* jansson escapes what JSON demands, U+0000 to U+001F. The other controls can only be within its strings. */
static void write_harmless(const char *json, FILE *to)
{
    struct visible v;
    for (size_t left = strlen(json), taken; left > 0; json += taken, left -= taken) {
        taken = visible_take(json, left, &v);
        if (v.is_escaped)
            fprintf(to, "\\u%04X", (unsigned char)json[taken - 1]);
        else
            fwrite(v.bytes, 1, v.len, to);
    }
}

json_t *message_json_now(const struct mqtt_message *m)
{
    struct timespec now;
    char text[MOMENT_TEXT_BYTES];
    clock_gettime(CLOCK_REALTIME, &now);
    const struct mqtt_publish publish = message_as_publish(m);
    json_t *line = json_pack("{s:s}", "time", moment_format(now, text));
    json_object_update_new(line, message_json(&publish));
    return line;
}

void message_json_write(json_t *object, FILE *to)
{
    char *text = json_dumps(object, JSON_COMPACT);
    if (text)
        write_harmless(text, to);
    free(text);
    fputc('\n', to);
    json_decref(object);
}

void message_json_print(json_t *object)
{
    message_json_write(object, stdout);
}
