#include "cli/message_parse.h"

#include "manifest/suggest.h"
#include "shared/base64.h"
#include "shared/topic.h"
#include "shared/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 65535 /* bytes of a string in MQTT */, KEY_NAME_MAX = 32 };

struct reader {
    struct parsed_message *m;
    const char *key;
    json_t *value;
    struct diag *diag;
};

static int refuse(const struct reader *r, const char *what)
{
    diag_set(r->diag, NULL, 0, 0, "'%s': %s", r->key, what);
    return -EINVAL;
}

/* ---- values ---- */

static int get_text(const struct reader *r, struct slice *ret)
{
    if (!json_is_string(r->value))
        return refuse(r, "a text is needed");
    *ret = slice_make(json_string_value(r->value), json_string_length(r->value));
    return 0;
}

static int get_string(const struct reader *r, struct slice *ret)
{
    struct slice text;
    if (get_text(r, &text) < 0)
        return -EINVAL;
    if (text.len > TEXT_MAX || !utf8_valid(text))
        return refuse(r, "at most 65,535 bytes of UTF-8 without NUL are needed");
    *ret = text;
    return 0;
}

static int get_topic(const struct reader *r, struct slice *ret)
{
    struct slice text;
    if (get_text(r, &text) < 0)
        return -EINVAL;
    if (!topic_name_valid(text))
        return refuse(r, "no topic: 1 to 65,535 bytes of UTF-8 without + and # are needed");
    *ret = text;
    return 0;
}

static int get_base64(const struct reader *r, struct buffer *bytes, struct slice *ret)
{
    struct slice text;
    size_t len;
    if (get_text(r, &text) < 0)
        return -EINVAL;
    uint8_t *at = buffer_reserve(bytes, text.len + 1);
    if (!at)
        return refuse(r, "out of memory");
    if (base64_decode(text, at, &len) < 0)
        return refuse(r, "no base64");
    buffer_commit(bytes, len);
    *ret = slice_make((const char *)at, len);
    return 0;
}

static int get_number(const struct reader *r, json_int_t min, json_int_t max, json_int_t *ret)
{
    if (!json_is_integer(r->value) || json_integer_value(r->value) < min ||
        json_integer_value(r->value) > max) {
        diag_set(r->diag, NULL, 0, 0, "'%s': a number from %lld to %lld is needed", r->key, (long long)min,
                 (long long)max);
        return -EINVAL;
    }
    *ret = json_integer_value(r->value);
    return 0;
}

/* ---- keys ---- */

static int take_topic(struct reader *r)
{
    return get_topic(r, &r->m->mqtt.topic);
}

static int take_timer(struct reader *r)
{
    struct slice text;
    if (get_string(r, &text) < 0)
        return -EINVAL;
    r->m->timer = text.data;
    return 0;
}

static int take_time(struct reader *r)
{
    struct slice text;
    if (get_string(r, &text) < 0)
        return -EINVAL;
    r->m->time = text.data;
    return 0;
}

static int refuse_second_payload(const struct reader *r)
{
    return r->m->mqtt.payload.data ? refuse(r, "there is a payload already") : 0;
}

static int take_payload(struct reader *r)
{
    return refuse_second_payload(r) < 0 ? -EINVAL : get_text(r, &r->m->mqtt.payload);
}

static int take_payload_base64(struct reader *r)
{
    return refuse_second_payload(r) < 0 ? -EINVAL : get_base64(r, &r->m->payload, &r->m->mqtt.payload);
}

static int append(const char *bytes, size_t len, void *buffer)
{
    buffer_append(buffer, bytes, len);
    return 0;
}

static int take_payload_json(struct reader *r)
{
    struct buffer *bytes = &r->m->payload;
    if (refuse_second_payload(r) < 0)
        return -EINVAL;
    if (json_dump_callback(r->value, append, bytes, JSON_COMPACT | JSON_ENCODE_ANY) != 0 ||
        buffer_failed(bytes))
        return refuse(r, "out of memory");
    r->m->mqtt.payload = slice_make((const char *)buffer_data(bytes), buffer_length(bytes));
    return 0;
}

static int take_qos(struct reader *r)
{
    json_int_t qos;
    if (get_number(r, 0, 2, &qos) < 0)
        return -EINVAL;
    r->m->mqtt.qos = (uint8_t)qos;
    return 0;
}

static int take_retained(struct reader *r)
{
    if (!json_is_boolean(r->value))
        return refuse(r, "true or false is needed");
    r->m->mqtt.retained = json_is_true(r->value);
    return 0;
}

static int take_content_type(struct reader *r)
{
    return get_string(r, &r->m->mqtt.content_type);
}

static int take_response_topic(struct reader *r)
{
    return get_topic(r, &r->m->mqtt.response_topic);
}

static int check_correlation(const struct reader *r)
{
    if (r->m->mqtt.correlation.len > TEXT_MAX)
        return refuse(r, "at most 65,535 bytes are allowed");
    return 0;
}

static int take_correlation(struct reader *r)
{
    return get_text(r, &r->m->mqtt.correlation) < 0 ? -EINVAL : check_correlation(r);
}

static int take_correlation_base64(struct reader *r)
{
    int error = get_base64(r, &r->m->correlation, &r->m->mqtt.correlation);
    return error < 0 ? error : check_correlation(r);
}

static int take_property(struct reader *list, json_t *pair)
{
    struct property *p = &list->m->properties[list->m->mqtt.property_count];
    struct reader key = {list->m, "properties", json_object_get(pair, "key"), list->diag};
    struct reader value = {list->m, "properties", json_object_get(pair, "value"), list->diag};
    if (json_object_size(pair) != 2 || !key.value || !value.value)
        return refuse(list, "objects with a 'key' and a 'value' are needed");
    if (get_string(&key, &p->key) < 0 || get_string(&value, &p->value) < 0)
        return -EINVAL;
    list->m->mqtt.property_count++;
    return 0;
}

static int take_properties(struct reader *r)
{
    size_t i;
    json_t *pair;
    if (!json_is_array(r->value) || json_array_size(r->value) > MQTT_USER_PROPERTIES_MAX)
        return refuse(r, "a list of at most 64 is needed");
    json_array_foreach(r->value, i, pair)
    {
        if (take_property(r, pair) < 0)
            return -EINVAL;
    }
    r->m->mqtt.properties = r->m->properties;
    return 0;
}

static int take_expiry(struct reader *r)
{
    json_int_t seconds;
    if (get_number(r, 0, UINT32_MAX, &seconds) < 0)
        return -EINVAL;
    r->m->mqtt.expiry_s = (uint32_t)seconds;
    r->m->mqtt.has_expiry = true;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct reader *r);
} keys[] = {
    {"topic", take_topic},
    {"timer", take_timer},
    {"time", take_time},
    {"payload", take_payload},
    {"payload_base64", take_payload_base64},
    {"payload_json", take_payload_json},
    {"qos", take_qos},
    {"retained", take_retained},
    {"content_type", take_content_type},
    {"response_topic", take_response_topic},
    {"correlation", take_correlation},
    {"correlation_base64", take_correlation_base64},
    {"properties", take_properties},
    {"expiry_s", take_expiry},
};

enum { KEY_COUNT = sizeof keys / sizeof *keys };

static int refuse_unknown(const struct reader *r)
{
    struct suggest s = suggest_start(slice_of(r->key));
    for (size_t i = 0; i < KEY_COUNT; i++)
        suggest_consider(&s, keys[i].name);
    if (s.best)
        diag_set(r->diag, NULL, 0, 0, "unknown key '%.*s': did you mean '%s'?", KEY_NAME_MAX, r->key, s.best);
    else
        diag_set(r->diag, NULL, 0, 0, "unknown key '%.*s'", KEY_NAME_MAX, r->key);
    return -EINVAL;
}

static int take(struct reader *r)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(r->key, keys[i].name) == 0)
            return keys[i].take(r);
    }
    return refuse_unknown(r);
}

/* ---- lines ---- */

static int refuse_line(struct diag *diag)
{
    diag_set(diag, NULL, 0, 0, "'[topic] payload' is needed, with these brackets, or an object of JSON");
    return -EINVAL;
}

static bool begins_object(struct slice line)
{
    size_t i = 0;
    while (i < line.len && (line.data[i] == ' ' || line.data[i] == '\t'))
        i++;
    return i < line.len && line.data[i] == '{';
}

static int parse_object(struct slice line, struct parsed_message *m, struct diag *diag)
{
    struct reader r = {.m = m, .diag = diag};
    json_error_t error;
    m->json = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, &error);
    if (!m->json) {
        diag_set(diag, NULL, 0, 0, "no JSON: %s", error.text);
        return -EINVAL;
    }
    json_object_foreach(m->json, r.key, r.value)
    {
        if (take(&r) < 0)
            return -EINVAL;
    }
    if (!m->mqtt.topic.data == !m->timer) {
        diag_set(diag, NULL, 0, 0, "a 'topic' is needed, or a 'timer'");
        return -EINVAL;
    }
    return 0;
}

static int parse_text(struct slice line, struct parsed_message *m, struct diag *diag)
{
    const char *end = memchr(line.data, ']', line.len);
    size_t topic_len = end ? (size_t)(end - line.data) - 1 : 0;
    if (!end || (topic_len + 2 < line.len && end[1] != ' '))
        return refuse_line(diag);
    m->mqtt.topic = slice_make(line.data + 1, topic_len);
    size_t start = topic_len + 2 < line.len ? topic_len + 3 : line.len;
    m->mqtt.payload = slice_make(line.data + start, line.len - start);
    if (topic_name_valid(m->mqtt.topic))
        return 0;
    diag_set(diag, NULL, 0, 0,
             "'[...]' holds no topic: 1 to 65,535 bytes of UTF-8 without + and # are needed");
    return -EINVAL;
}

int message_parse(struct slice line, struct parsed_message *ret, struct diag *diag)
{
    *ret = (struct parsed_message){.mqtt = {.qos = 1}};
    bool is_text = line.len > 0 && line.data[0] == '[';
    int error = is_text               ? parse_text(line, ret, diag)
                : begins_object(line) ? parse_object(line, ret, diag)
                                      : refuse_line(diag);
    if (error < 0)
        message_parse_finish(ret);
    else if (!ret->mqtt.payload.data)
        ret->mqtt.payload = slice_of("");
    return error;
}

void message_parse_finish(struct parsed_message *m)
{
    json_decref(m->json);
    buffer_finish(&m->payload);
    buffer_finish(&m->correlation);
}
