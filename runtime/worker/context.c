#include "worker/context.h"

#include "shared/clock.h"
#include "shared/utf8.h"

#include <errno.h>
#include <stdio.h>

enum { MQTT_STRING_MAX = 65535 }; /* MQTT-1.5.4, 1.5.6: strings and binary data have a 16-bit length */

static struct context *context_of(struct hark_context *ctx)
{
    return (struct context *)ctx;
}

static bool may_publish_to(const struct context *c, struct slice topic)
{
    if (c->setup->publish_anywhere)
        return true;
    for (uint32_t i = 0; i < c->setup->publish_count; i++)
        if (topic_match_bound(c->setup->publishes[i], topic, &c->invoke->captures))
            return true;
    return false;
}

/* A function that ignores what hark_publish returns would never learn why nothing comes out. Once a call. */
static int refuse(struct context *c, int error, struct slice topic, const char *why)
{
    if (!c->refused)
        context_log(c, HARK_WARN, "publish to '%.200s' refused: %s", topic.data ? topic.data : "", why);
    c->refused = true;
    return error;
}

static int refuse_target(struct context *c, struct slice topic)
{
    if (!c->refused)
        context_log(
            c, HARK_WARN,
            "publish to '%.200s' refused: no pattern of the manifest's `publishes` matches it: add it "
            "there, as in publishes: [\"%.200s\"]",
            topic.data, topic.data);
    c->refused = true;
    return -EACCES;
}

static int check_target(struct context *c, struct slice topic)
{
    if (!c->call)
        return -EPERM;
    if (!topic.data || !topic_name_valid(topic))
        return refuse(c, -EINVAL, topic, "it is no topic name");
    if (!utf8_plain(topic))
        return refuse(c, -EINVAL, topic, "it has a control character, for which brokers end the connection");
    if (!may_publish_to(c, topic))
        return refuse_target(c, topic);
    return 0;
}

static int check_size(struct context *c, struct slice topic, size_t payload_bytes)
{
    if (payload_bytes > c->setup->payload_max_bytes)
        return refuse(c, -EMSGSIZE, topic, "it is larger than `limits.payload`");
    if (c->outputs >= c->setup->publishes_max)
        return refuse(c, -ENOBUFS, topic, "this call put out `limits.publishes` messages already");
    return 0;
}

static size_t begin_output(const struct context *c)
{
    return buffer_length(&c->channel->out);
}

/* Counts the frame that was appended since `begin`, but for the bytes that are left out of it, or takes it
 * back. */
static int count_output(struct context *c, size_t begin, size_t left_out)
{
    struct buffer *out = &c->channel->out;
    size_t most = WIRE_HEADER_BYTES + c->setup->payload_max_bytes + WIRE_OVERHEAD_MAX;
    if (buffer_failed(out)) {
        out->failed = false;
        return -ENOMEM;
    }
    if (buffer_length(out) - begin + left_out > most) {
        buffer_truncate(out, begin);
        return -EMSGSIZE;
    }
    c->outputs++;
    return 0;
}

static int end_output(struct context *c, size_t begin)
{
    int error = count_output(c, begin, 0);
    if (!error && buffer_length(&c->channel->out) > CHANNEL_BATCH_BYTES)
        channel_flush(c->channel);
    return error;
}

/* It would not wait for others in any case, so it leaves from where the function has it. */
static int put_long_publish(struct context *c, const struct wire_message *m)
{
    size_t begin = begin_output(c);
    size_t gap = wire_put_publish_around(&c->channel->out, c->call, m);
    int error = count_output(c, begin, m->payload.len);
    if (!error)
        channel_send_around(c->channel, gap, m->payload);
    return error;
}

static int put_publish(struct context *c, const struct wire_message *m)
{
    int error = check_size(c, m->topic, m->payload.len);
    if (error)
        return error;
    if (m->payload.len >= CHANNEL_BATCH_BYTES)
        return put_long_publish(c, m);
    size_t begin = begin_output(c);
    wire_put_publish(&c->channel->out, c->call, m);
    return end_output(c, begin);
}

static int publish(struct hark_context *ctx, const char *topic, const void *data, size_t len)
{
    struct context *c = context_of(ctx);
    struct wire_message m = {.topic = slice_of(topic), .payload = slice_make(data, len), .qos = 1};
    int error = check_target(c, m.topic);
    if (!error && !data && len)
        error = -EINVAL;
    return error ? error : put_publish(c, &m);
}

/* A string of the message: absent, or UTF-8 that MQTT can carry and every broker takes. */
static bool string_ok(struct slice s)
{
    return !s.data || (s.len <= MQTT_STRING_MAX && utf8_plain(s));
}

static bool properties_ok(const struct hark_message *m)
{
    if (m->property_count > WIRE_PROPERTIES_MAX || (m->property_count && !m->properties))
        return false;
    for (size_t i = 0; i < m->property_count; i++)
        if (!m->properties[i].key || !m->properties[i].value || !string_ok(slice_of(m->properties[i].key)) ||
            !string_ok(slice_of(m->properties[i].value)))
            return false;
    return true;
}

static bool message_ok(const struct hark_message *m)
{
    struct slice response_topic = slice_of(m->response_topic);
    return m->qos <= 2 && (m->payload || !m->payload_len) && (m->correlation || !m->correlation_len) &&
           m->correlation_len <= MQTT_STRING_MAX && string_ok(slice_of(m->content_type)) &&
           (!response_topic.data || (topic_name_valid(response_topic) && utf8_plain(response_topic))) &&
           properties_ok(m);
}

static void to_wire(struct wire_message *out, struct property *properties, const struct hark_message *m)
{
    for (size_t i = 0; i < m->property_count; i++)
        properties[i] = (struct property){slice_of(m->properties[i].key), slice_of(m->properties[i].value)};
    *out = (struct wire_message){
        .topic = slice_of(m->topic),
        .payload = slice_make(m->payload, m->payload_len),
        .content_type = slice_of(m->content_type),
        .response_topic = slice_of(m->response_topic),
        .correlation = slice_make(m->correlation, m->correlation_len),
        .properties = properties,
        .property_count = (uint32_t)m->property_count,
        .expiry_s = m->expiry_s,
        .qos = m->qos,
        .retained = m->retained,
    };
}

static int publish_message(struct hark_context *ctx, const struct hark_message *message)
{
    struct context *c = context_of(ctx);
    struct property properties[WIRE_PROPERTIES_MAX];
    struct wire_message m;
    int error = check_target(c, slice_of(message->topic));
    if (error)
        return error;
    if (!message_ok(message))
        return refuse(c, -EINVAL, slice_of(message->topic),
                      "a property of it is nothing that MQTT can carry, or has a control character");
    to_wire(&m, properties, message);
    return put_publish(c, &m);
}

static int reply(struct hark_context *ctx, const void *data, size_t len)
{
    struct context *c = context_of(ctx);
    if (!c->call)
        return -EPERM;
    if (!c->invoke->message.response_topic.data)
        return -EDESTADDRREQ;
    if (!data && len)
        return -EINVAL;
    int error = check_size(c, c->invoke->message.response_topic, len);
    if (error)
        return error;
    size_t begin = begin_output(c);
    wire_put_reply(&c->channel->out, c->call, slice_make(data, len));
    return end_output(c, begin);
}

static const char *capture(struct hark_context *ctx, const char *name)
{
    const struct context *c = context_of(ctx);
    if (!c->call)
        return NULL;
    const struct topic_captures *captures = &c->invoke->captures;
    for (size_t i = 0; i < captures->count; i++)
        if (strcmp(captures->items[i].name.data, name) == 0)
            return captures->items[i].value.data;
    return NULL;
}

static const char *config(struct hark_context *ctx, const char *key)
{
    const struct context *c = context_of(ctx);
    for (uint32_t i = 0; i < c->setup->config_count; i++)
        if (strcmp(c->setup->config[i].key.data, key) == 0)
            return c->setup->config[i].value.data;
    return NULL;
}

/* A crash must not take along the lines that say how it came to it, so a line is sent at once. That costs the
 * wake-up of hark, some 6 us, beside the write to hark's own log that it causes anyway. Not so HARK_DEBUG, of
 * which there may be many and which is mostly not shown: it travels with the batch. */
static void put_log(struct context *c, int level, struct slice text)
{
    level = level < HARK_DEBUG ? HARK_DEBUG : level > HARK_ERROR ? HARK_ERROR : level;
    wire_put_log(&c->channel->out, c->call, (uint32_t)level, text);
    c->channel->out.failed = false; /* no memory: the line is lost, the function goes on */
    c->logged = true;
    if (level >= HARK_INFO)
        channel_flush(c->channel);
}

__attribute__((format(printf, 3, 0))) static void logv(struct hark_context *ctx, int level,
                                                       const char *format, va_list args)
{
    char text[WIRE_LOG_TEXT_MAX + 1];
    if (vsnprintf(text, sizeof text, format, args) < 0)
        snprintf(text, sizeof text, "(a log line that cannot be formatted)");
    put_log(context_of(ctx), level, slice_make(text, strlen(text)));
}

void context_log(struct context *c, int level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    logv(&c->ctx, level, format, args);
    va_end(args);
}

static uint32_t attempt(struct hark_context *ctx)
{
    const struct context *c = context_of(ctx);
    return c->call ? c->invoke->attempt : 0;
}

static int64_t budget_ns(struct hark_context *ctx)
{
    const struct context *c = context_of(ctx);
    if (!c->call)
        return 0;
    return (int64_t)(c->start_ns + c->invoke->timeout_ns - clock_now_ns());
}

static const struct hark_calls CALLS = {
    .publish = publish,
    .publish_message = publish_message,
    .reply = reply,
    .capture = capture,
    .config = config,
    .logv = logv,
    .attempt = attempt,
    .budget_ns = budget_ns,
};

void context_init(struct context *c, struct channel *channel, const struct wire_setup *setup)
{
    *c = (struct context){.ctx.calls = &CALLS, .channel = channel, .setup = setup};
}

void context_enter(struct context *c, uint64_t call, const struct wire_invoke *invoke, uint64_t now_ns)
{
    c->invoke = invoke;
    c->start_ns = now_ns;
    c->outputs = 0;
    c->refused = c->logged = false;
    c->channel->undo = buffer_length(&c->channel->out);
    c->call = call;
}

void context_leave(struct context *c, bool keep)
{
    /* Log lines lie between the outputs and are kept in any case. */
    if (!keep && !c->logged)
        buffer_truncate(&c->channel->out, c->channel->undo);
    c->call = 0;
    c->invoke = NULL;
}
