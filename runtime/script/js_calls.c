#include "script/js_calls.h"

#include "script/js_text.h"
#include "script/words.h"

#include <stdint.h>
#include <string.h>

enum { PROPERTIES_MAX = 64, STACK_MAX = PROPERTIES_MAX * 3 + 32 };

static struct hark_context *context;

/* Puts UTF-8 in the place of the string at `index`, where it lives as long as that. */
static const char *utf8_at(duk_context *js, duk_idx_t index, size_t *ret_len)
{
    size_t len;
    const char *text = duk_get_lstring(js, index, &len);
    *ret_len = len;
    if (!memchr(text, 0xed, len)) /* with which halves begin */
        return text;
    index = duk_normalize_index(js, index);
    uint8_t *copy = duk_push_fixed_buffer(js, len + 1);
    *ret_len = js_text_to_utf8((const uint8_t *)text, len, copy);
    copy[*ret_len] = '\0';
    duk_replace(js, index);
    return (const char *)copy;
}

/* For a field that C reads up to its NUL. */
static const char *text_at(duk_context *js, duk_idx_t index, const char *what)
{
    size_t len;
    if (!duk_is_string(js, index))
        (void)duk_type_error(js, "%s: a string is needed", what);
    const char *text = utf8_at(js, index, &len);
    if (strlen(text) != len)
        (void)duk_type_error(js, "%s: it must not hold a zero byte", what);
    return text;
}

/* A string, bytes, or a number, which becomes a string. */
static const void *data_at(duk_context *js, duk_idx_t index, const char *what, size_t *ret_len)
{
    static const char empty[] = "";
    if (duk_is_buffer_data(js, index)) {
        const void *data = duk_get_buffer_data(js, index, ret_len);
        return data ? data : empty;
    }
    if (duk_is_number(js, index))
        (void)duk_to_string(js, index);
    if (!duk_is_string(js, index))
        (void)duk_type_error(js, "%s: a string or bytes are needed; for an object there is JSON.stringify",
                             what);
    return utf8_at(js, index, ret_len);
}

static uint32_t number_at(duk_context *js, duk_idx_t index, const char *what, uint32_t max)
{
    double number = duk_is_number(js, index) ? duk_get_number(js, index) : -1;
    if (!(number >= 0 && number <= max) || number != (uint32_t)number)
        (void)duk_type_error(js, "%s: a whole number from 0 to %lu is needed", what, (unsigned long)max);
    return (uint32_t)number;
}

/* Not JavaScript's truth: "false" would be true. */
static bool boolean_at(duk_context *js, duk_idx_t index, const char *what)
{
    if (!duk_is_boolean(js, index))
        (void)duk_type_error(js, "%s: true or false is needed", what);
    return duk_get_boolean(js, index);
}

/* What is borrowed stays on the stack, to the end of the call. */
static void read_properties(duk_context *js, struct hark_message *m, struct hark_property *properties)
{
    if (!duk_is_array(js, -1) || duk_get_length(js, -1) > PROPERTIES_MAX)
        (void)duk_type_error(js, "properties: an array of at most %d { key: ..., value: ... } is needed",
                             PROPERTIES_MAX);
    duk_idx_t list = duk_get_top_index(js);
    m->property_count = duk_get_length(js, list);
    m->properties = properties;
    for (size_t i = 0; i < m->property_count; i++) {
        duk_get_prop_index(js, list, (duk_uarridx_t)i);
        if (!duk_is_object(js, -1))
            (void)duk_type_error(js, "properties: each is { key: ..., value: ... }");
        duk_idx_t property = duk_get_top_index(js);
        duk_get_prop_string(js, property, "key");
        properties[i].key = text_at(js, -1, "key");
        duk_get_prop_string(js, property, "value");
        properties[i].value = text_at(js, -1, "value");
    }
}

/* The value is on top of the stack, and stays there. */
static void read_option(duk_context *js, const char *key, struct hark_message *m,
                        struct hark_property *properties)
{
    if (strcmp(key, "qos") == 0)
        m->qos = (uint8_t)number_at(js, -1, key, 2);
    else if (strcmp(key, "retained") == 0)
        m->retained = boolean_at(js, -1, key);
    else if (strcmp(key, "content_type") == 0)
        m->content_type = text_at(js, -1, key);
    else if (strcmp(key, "response_topic") == 0)
        m->response_topic = text_at(js, -1, key);
    else if (strcmp(key, "correlation") == 0)
        m->correlation = data_at(js, -1, key, &m->correlation_len);
    else if (strcmp(key, "expiry_s") == 0)
        m->expiry_s = number_at(js, -1, key, UINT32_MAX);
    else if (strcmp(key, "properties") == 0)
        read_properties(js, m, properties);
    else
        (void)duk_type_error(js,
                             "publish takes no %s: the options are qos, retained, content_type, "
                             "response_topic, correlation, expiry_s and properties",
                             key);
}

static void read_options(duk_context *js, duk_idx_t options, struct hark_message *m,
                         struct hark_property *properties)
{
    static const char *const names[] = {"qos",         "retained", "content_type", "response_topic",
                                        "correlation", "expiry_s", "properties"};
    if (!duk_is_object(js, options))
        (void)duk_type_error(js, "the options of publish: an object is needed");
    duk_enum(js, options, DUK_ENUM_OWN_PROPERTIES_ONLY);
    while (duk_next(js, -1, 0)) {
        size_t known = 0;
        while (known < sizeof names / sizeof *names && strcmp(names[known], duk_get_string(js, -1)) != 0)
            known++;
        if (known == sizeof names / sizeof *names)
            read_option(js, duk_get_string(js, -1), m, properties);
        duk_pop(js);
    }
    duk_pop(js);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (duk_get_prop_string(js, options, names[i]))
            read_option(js, names[i], m, properties);
}

static duk_ret_t publish(duk_context *js)
{
    struct hark_property properties[PROPERTIES_MAX];
    struct hark_message m = {.qos = 1};
    duk_require_stack(js, STACK_MAX);
    m.topic = text_at(js, 0, "topic");
    m.payload = data_at(js, 1, "payload", &m.payload_len);
    if (!duk_is_null_or_undefined(js, 2))
        read_options(js, 2, &m, properties);
    int error = hark_publish_message(context, &m);
    return error
               ? duk_error(js, DUK_ERR_ERROR, "publish to '%s' refused: %s", m.topic, words_of_refusal(error))
               : 0;
}

static duk_ret_t reply(duk_context *js)
{
    size_t len;
    const void *data = data_at(js, 0, "payload", &len);
    int error = hark_reply(context, data, len);
    return error ? duk_error(js, DUK_ERR_ERROR, "reply refused: %s", words_of_refusal(error)) : 0;
}

static void push_utf8(duk_context *js, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    size_t plain = 0;
    while (plain < len && bytes[plain] < 0x80)
        plain++;
    if (plain == len) {
        duk_push_lstring(js, data, len);
        return;
    }
    uint8_t *copy = duk_push_fixed_buffer(js, len * JS_TEXT_GROWTH);
    duk_push_lstring(js, (const char *)copy, js_text_from_utf8(data, len, copy));
    duk_remove(js, -2);
}

static duk_ret_t give_text(duk_context *js, const char *text)
{
    if (text)
        push_utf8(js, text, strlen(text));
    return text ? 1 : 0;
}

static duk_ret_t capture(duk_context *js)
{
    return give_text(js, hark_capture(context, text_at(js, 0, "name")));
}

static duk_ret_t config(duk_context *js)
{
    return give_text(js, hark_config(context, text_at(js, 0, "key")));
}

static duk_ret_t log_line(duk_context *js)
{
    size_t len;
    const char *name = text_at(js, 0, "level");
    int level = words_log_level(name);
    if (level < 0)
        return duk_error(js, DUK_ERR_ERROR, "log: no level '%s': " WORDS_OF_LEVELS, name);
    (void)duk_to_string(js, 1);
    hark_log(context, level, "%s", utf8_at(js, 1, &len));
    return 0;
}

static duk_ret_t attempt(duk_context *js)
{
    duk_push_uint(js, hark_attempt(context));
    return 1;
}

static duk_ret_t budget_ns(duk_context *js)
{
    duk_push_number(js, (double)hark_budget_ns(context));
    return 1;
}

static duk_ret_t print(duk_context *js)
{
    size_t len;
    duk_push_string(js, " ");
    duk_insert(js, 0);
    duk_join(js, duk_get_top(js) - 1);
    hark_log(context, HARK_INFO, "%s", utf8_at(js, -1, &len));
    return 0;
}

void js_calls_open(duk_context *js, struct hark_context *ctx)
{
    static const duk_function_list_entry calls[] = {
        {"publish", publish, 3}, {"reply", reply, 1},     {"capture", capture, 1},     {"config", config, 1},
        {"log", log_line, 2},    {"attempt", attempt, 0}, {"budget_ns", budget_ns, 0}, {NULL, NULL, 0},
    };
    static const duk_number_list_entry results[] = {
        {"OK", HARK_OK}, {"RETRY", HARK_RETRY}, {"REJECT", HARK_REJECT}, {NULL, 0}};
    context = ctx;
    duk_push_object(js);
    duk_put_function_list(js, -1, calls);
    duk_put_number_list(js, -1, results);
    duk_put_global_string(js, "hark");
    duk_push_c_function(js, print, DUK_VARARGS);
    duk_dup(js, -1);
    duk_put_global_string(js, "print");
    duk_push_object(js);
    duk_swap(js, -1, -2);
    duk_put_prop_string(js, -2, "log");
    duk_put_global_string(js, "console");
}

/* Absent fields are undefined. */
static void set_text(duk_context *js, const char *key, const char *text)
{
    if (give_text(js, text))
        duk_put_prop_string(js, -2, key);
}

static void set_bytes(duk_context *js, const char *key, const void *data, size_t len)
{
    if (!data)
        return;
    void *copy = duk_push_fixed_buffer(js, len);
    if (len)
        memcpy(copy, data, len);
    duk_push_buffer_object(js, -1, 0, len, DUK_BUFOBJ_UINT8ARRAY);
    duk_remove(js, -2);
    duk_put_prop_string(js, -2, key);
}

static void set_number(duk_context *js, const char *key, double number)
{
    duk_push_number(js, number);
    duk_put_prop_string(js, -2, key);
}

static void set_properties(duk_context *js, const struct hark_message *m)
{
    duk_push_array(js);
    for (size_t i = 0; i < m->property_count; i++) {
        duk_push_object(js);
        set_text(js, "key", m->properties[i].key);
        set_text(js, "value", m->properties[i].value);
        duk_put_prop_index(js, -2, (duk_uarridx_t)i);
    }
    duk_put_prop_string(js, -2, "properties");
}

void js_calls_push_message(duk_context *js, const struct hark_message *m)
{
    duk_push_object(js);
    set_text(js, "topic", m->topic);
    push_utf8(js, m->payload, m->payload_len);
    duk_put_prop_string(js, -2, "payload");
    set_bytes(js, "bytes", m->payload, m->payload_len);
    set_number(js, "qos", m->qos);
    duk_push_boolean(js, m->retained);
    duk_put_prop_string(js, -2, "retained");
    set_text(js, "content_type", m->content_type);
    set_text(js, "response_topic", m->response_topic);
    set_bytes(js, "correlation", m->correlation, m->correlation_len);
    set_number(js, "expiry_s", m->expiry_s);
    set_properties(js, m);
}
