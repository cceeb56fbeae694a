#include "shared/wire.h"

#include "shared/check.h"

#include <errno.h>

static const uint32_t ABSENT = 0xffffffff;

/* With and without a gap these are two functions: what a short message costs is counted. */
#define INLINED __attribute__((always_inline)) inline

enum { LOG_LEVEL_MAX = 3 }; /* HARK_ERROR of hark/function.h */

/* Writing: the length of a body is known before its first byte, so a frame costs one reservation. */

static size_t string_bytes(struct slice s)
{
    return sizeof(uint32_t) + (s.data ? s.len + 1 : 0);
}

static size_t pairs_bytes(const struct property *pairs, uint32_t count)
{
    size_t bytes = sizeof(uint32_t);
    for (uint32_t i = 0; i < count; i++)
        bytes += string_bytes(pairs[i].key) + string_bytes(pairs[i].value);
    return bytes;
}

static size_t message_bytes(const struct wire_message *m)
{
    return string_bytes(m->topic) + string_bytes(m->payload) + string_bytes(m->content_type) +
           string_bytes(m->response_topic) + string_bytes(m->correlation) +
           pairs_bytes(m->properties, m->property_count) + sizeof m->expiry_s + 2;
}

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t len)
{
    if (len)
        memcpy(at, data, len);
    return at + len;
}

static uint8_t *put_u8(uint8_t *at, uint8_t value)
{
    return put_bytes(at, &value, sizeof value);
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    return put_bytes(at, &value, sizeof value);
}

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    return put_bytes(at, &value, sizeof value);
}

static uint8_t *put_string(uint8_t *at, struct slice s)
{
    at = put_u32(at, s.data ? (uint32_t)s.len : ABSENT);
    return s.data ? put_u8(put_bytes(at, s.data, s.len), 0) : at;
}

static uint8_t *put_pairs(uint8_t *at, const struct property *pairs, uint32_t count)
{
    at = put_u32(at, count);
    for (uint32_t i = 0; i < count; i++)
        at = put_string(put_string(at, pairs[i].key), pairs[i].value);
    return at;
}

/* gap: where the payload's bytes are to go; NULL: they are written. */
INLINED static uint8_t *put_message(uint8_t *at, const struct wire_message *m, uint8_t **gap)
{
    at = put_string(at, m->topic);
    if (gap) {
        *gap = put_u32(at, (uint32_t)m->payload.len);
        at = put_u8(*gap, 0);
    } else {
        at = put_string(at, m->payload);
    }
    at = put_string(at, m->content_type);
    at = put_string(at, m->response_topic);
    at = put_string(at, m->correlation);
    at = put_pairs(at, m->properties, m->property_count);
    at = put_u32(at, m->expiry_s);
    return put_u8(put_u8(at, m->qos), m->retained);
}

/* Where the body goes, its header written; NULL when there is no memory. The frame is part of the buffer only
 * after frame_end. left_out: bytes of the body that will not be written here. */
static uint8_t *frame_begin_without(struct buffer *out, enum wire_type type, uint64_t call, size_t body_bytes,
                                    size_t left_out)
{
    if (body_bytes > UINT32_MAX)
        out->failed = true;
    uint8_t *at = buffer_reserve(out, WIRE_HEADER_BYTES + body_bytes - left_out);
    return at ? put_u64(put_u32(put_u32(at, (uint32_t)body_bytes), (uint32_t)type), call) : NULL;
}

static uint8_t *frame_begin(struct buffer *out, enum wire_type type, uint64_t call, size_t body_bytes)
{
    return frame_begin_without(out, type, call, body_bytes, 0);
}

static void frame_end(struct buffer *out, const uint8_t *end, size_t body_bytes)
{
    CHECK(end == out->memory + out->end + WIRE_HEADER_BYTES + body_bytes);
    buffer_commit(out, WIRE_HEADER_BYTES + body_bytes);
}

/* A payload is never absent: no data and no bytes means empty. */
static struct slice present(struct slice s)
{
    return s.data ? s : slice_make("", 0);
}

static struct slice cut(struct slice text)
{
    if (text.len > WIRE_LOG_TEXT_MAX)
        text.len = WIRE_LOG_TEXT_MAX;
    return present(text);
}

void wire_put_setup(struct buffer *out, const struct wire_setup *s)
{
    CHECK(s->config_count <= WIRE_CONFIG_MAX && s->publish_count <= WIRE_PUBLISHES_MAX);
    size_t bytes = string_bytes(s->function) + string_bytes(s->handler) + string_bytes(s->script) +
                   pairs_bytes(s->config, s->config_count) + sizeof s->publish_count +
                   sizeof s->payload_max_bytes + sizeof s->publishes_max + 1;
    for (uint32_t i = 0; i < s->publish_count; i++)
        bytes += string_bytes(s->publishes[i]);
    uint8_t *at = frame_begin(out, WIRE_SETUP, 0, bytes);
    if (!at)
        return;
    at = put_string(put_string(put_string(at, s->function), s->handler), s->script);
    at = put_pairs(at, s->config, s->config_count);
    at = put_u32(at, s->publish_count);
    for (uint32_t i = 0; i < s->publish_count; i++)
        at = put_string(at, s->publishes[i]);
    at = put_u32(put_u64(at, s->payload_max_bytes), s->publishes_max);
    frame_end(out, put_u8(at, s->publish_anywhere), bytes);
}

static size_t captures_bytes(const struct topic_captures *captures)
{
    size_t bytes = sizeof(uint32_t);
    for (size_t i = 0; i < captures->count; i++)
        bytes += string_bytes(captures->items[i].name) + string_bytes(captures->items[i].value);
    return bytes;
}

static uint8_t *put_captures(uint8_t *at, const struct topic_captures *captures)
{
    at = put_u32(at, (uint32_t)captures->count);
    for (size_t i = 0; i < captures->count; i++)
        at = put_string(put_string(at, captures->items[i].name), captures->items[i].value);
    return at;
}

INLINED static void put_invoke(struct buffer *out, uint64_t call, const struct wire_invoke *invoke,
                               uint8_t **gap)
{
    CHECK(invoke->captures.count <= TOPIC_CAPTURES_MAX);
    CHECK(invoke->message.property_count <= WIRE_PROPERTIES_MAX);
    struct wire_message message = invoke->message;
    message.payload = present(message.payload);
    size_t bytes = sizeof invoke->chain + sizeof invoke->timeout_ns + sizeof invoke->attempt +
                   captures_bytes(&invoke->captures) + message_bytes(&message);
    size_t left_out = gap ? message.payload.len : 0;
    uint8_t *at = frame_begin_without(out, WIRE_INVOKE, call, bytes, left_out);
    if (!at)
        return;
    at = put_u32(put_u64(put_u64(at, invoke->chain), invoke->timeout_ns), invoke->attempt);
    at = put_captures(at, &invoke->captures);
    frame_end(out, put_message(at, &message, gap), bytes - left_out);
}

INLINED static void put_publish(struct buffer *out, uint64_t call, const struct wire_message *message,
                                uint8_t **gap)
{
    CHECK(message->property_count <= WIRE_PROPERTIES_MAX);
    struct wire_message m = *message;
    m.payload = present(m.payload);
    size_t bytes = message_bytes(&m), left_out = gap ? m.payload.len : 0;
    uint8_t *at = frame_begin_without(out, WIRE_PUBLISH, call, bytes, left_out);
    if (at)
        frame_end(out, put_message(at, &m, gap), bytes - left_out);
}

/* gap: within the memory of `out`; NULL: there was none. */
static size_t offset_of(struct buffer *out, const uint8_t *gap)
{
    return gap ? (size_t)(gap - buffer_data(out)) : 0;
}

void wire_put_invoke(struct buffer *out, uint64_t call, const struct wire_invoke *invoke)
{
    put_invoke(out, call, invoke, NULL);
}

size_t wire_put_invoke_around(struct buffer *out, uint64_t call, const struct wire_invoke *invoke)
{
    uint8_t *gap = NULL;
    put_invoke(out, call, invoke, &gap);
    return offset_of(out, gap);
}

void wire_put_publish(struct buffer *out, uint64_t call, const struct wire_message *message)
{
    put_publish(out, call, message, NULL);
}

size_t wire_put_publish_around(struct buffer *out, uint64_t call, const struct wire_message *message)
{
    uint8_t *gap = NULL;
    put_publish(out, call, message, &gap);
    return offset_of(out, gap);
}

void wire_put_reply(struct buffer *out, uint64_t call, struct slice payload)
{
    payload = present(payload);
    size_t bytes = string_bytes(payload);
    uint8_t *at = frame_begin(out, WIRE_REPLY, call, bytes);
    if (at)
        frame_end(out, put_string(at, payload), bytes);
}

void wire_put_log(struct buffer *out, uint64_t call, uint32_t level, struct slice text)
{
    text = cut(text);
    size_t bytes = sizeof level + string_bytes(text);
    uint8_t *at = frame_begin(out, WIRE_LOG, call, bytes);
    if (at)
        frame_end(out, put_string(put_u32(at, level), text), bytes);
}

void wire_put_result(struct buffer *out, uint64_t call, enum wire_result result)
{
    uint8_t *at = frame_begin(out, WIRE_RESULT, call, sizeof(uint32_t));
    if (at)
        frame_end(out, put_u32(at, (uint32_t)result), sizeof(uint32_t));
}

void wire_put_failed(struct buffer *out, struct slice reason)
{
    reason = cut(reason);
    size_t bytes = string_bytes(reason);
    uint8_t *at = frame_begin(out, WIRE_FAILED, 0, bytes);
    if (at)
        frame_end(out, put_string(at, reason), bytes);
}

void wire_put_empty(struct buffer *out, enum wire_type type)
{
    uint8_t *at = frame_begin(out, type, 0, 0);
    if (at)
        frame_end(out, at, 0);
}

/* Reading: a reader that has met a broken rule is `bad` for good and returns zeroes, so a body is checked
 * once, at its end. */

struct reader {
    const char *at;
    const char *end;
    bool bad;
};

int wire_next(const uint8_t *data, size_t len, size_t body_max_bytes, struct wire_header *ret_header,
              struct slice *ret_body)
{
    struct wire_header header;
    _Static_assert(sizeof header == WIRE_HEADER_BYTES, "the header travels as it lies in memory");
    if (len < sizeof header)
        return 0;
    memcpy(&header, data, sizeof header);
    if (header.length > body_max_bytes || header.type < WIRE_SETUP || header.type > WIRE_STOPPED)
        return -EBADMSG;
    if (len - sizeof header < header.length)
        return 0;
    *ret_header = header;
    *ret_body = slice_make(data + sizeof header, header.length);
    return 1;
}

/* Are there so many bytes left? Without them the reader is bad. */
static inline bool has(struct reader *r, size_t len)
{
    r->bad |= (size_t)(r->end - r->at) < len;
    return !r->bad;
}

static inline uint32_t get_u32(struct reader *r)
{
    uint32_t value = 0;
    if (has(r, sizeof value)) {
        memcpy(&value, r->at, sizeof value);
        r->at += sizeof value;
    }
    return value;
}

static inline uint64_t get_u64(struct reader *r)
{
    uint64_t value = 0;
    if (has(r, sizeof value)) {
        memcpy(&value, r->at, sizeof value);
        r->at += sizeof value;
    }
    return value;
}

static uint32_t get_u32_up_to(struct reader *r, uint32_t max)
{
    uint32_t value = get_u32(r);
    if (value <= max)
        return value;
    r->bad = true;
    return 0;
}

static uint8_t get_u8_up_to(struct reader *r, uint8_t max)
{
    uint8_t value = has(r, 1) ? (uint8_t)*r->at++ : 0;
    if (value <= max)
        return value;
    r->bad = true;
    return 0;
}

static inline struct slice get_optional_string(struct reader *r)
{
    uint32_t len = get_u32(r);
    if (r->bad || len == ABSENT)
        return (struct slice){0};
    if (len >= (size_t)(r->end - r->at) || r->at[len] != '\0') {
        r->bad = true;
        return (struct slice){0};
    }
    struct slice s = slice_make(r->at, len);
    r->at += (size_t)len + 1;
    return s;
}

static struct slice get_string(struct reader *r)
{
    struct slice s = get_optional_string(r);
    if (!s.data)
        r->bad = true;
    return s;
}

static uint32_t get_pairs(struct reader *r, struct property *pairs, uint32_t max)
{
    uint32_t count = get_u32_up_to(r, max);
    for (uint32_t i = 0; i < count; i++) {
        pairs[i].key = get_string(r);
        pairs[i].value = get_string(r);
    }
    return count;
}

static struct reader reader_of(struct slice body)
{
    body = present(body);
    return (struct reader){.at = body.data, .end = body.data + body.len};
}

static int finished(const struct reader *r)
{
    return r->bad || r->at != r->end ? -EBADMSG : 0;
}

static void get_message(struct reader *r, struct wire_message *m, struct property *properties)
{
    m->topic = get_optional_string(r);
    m->payload = get_string(r);
    m->content_type = get_optional_string(r);
    m->response_topic = get_optional_string(r);
    m->correlation = get_optional_string(r);
    m->property_count = get_pairs(r, properties, WIRE_PROPERTIES_MAX);
    m->properties = properties;
    m->expiry_s = get_u32(r);
    m->qos = get_u8_up_to(r, 2);
    m->retained = get_u8_up_to(r, 1);
}

int wire_get_setup(struct slice body, struct wire_setup *ret_setup, struct property *config,
                   struct slice *publishes)
{
    struct reader r = reader_of(body);
    ret_setup->function = get_string(&r);
    ret_setup->handler = get_string(&r);
    ret_setup->script = get_optional_string(&r);
    ret_setup->config_count = get_pairs(&r, config, WIRE_CONFIG_MAX);
    ret_setup->config = config;
    ret_setup->publish_count = get_u32_up_to(&r, WIRE_PUBLISHES_MAX);
    for (uint32_t i = 0; i < ret_setup->publish_count; i++)
        publishes[i] = get_string(&r);
    ret_setup->publishes = publishes;
    ret_setup->payload_max_bytes = get_u64(&r);
    ret_setup->publishes_max = get_u32(&r);
    ret_setup->publish_anywhere = get_u8_up_to(&r, 1);
    return finished(&r);
}

static void get_captures(struct reader *r, struct topic_captures *captures)
{
    captures->count = get_u32_up_to(r, TOPIC_CAPTURES_MAX);
    for (size_t i = 0; i < captures->count; i++) {
        captures->items[i].name = get_string(r);
        captures->items[i].value = get_string(r);
    }
}

int wire_get_invoke(struct slice body, struct wire_invoke *invoke, struct property *properties)
{
    struct reader r = reader_of(body);
    invoke->chain = get_u64(&r);
    invoke->timeout_ns = get_u64(&r);
    invoke->attempt = get_u32(&r);
    get_captures(&r, &invoke->captures);
    get_message(&r, &invoke->message, properties);
    return finished(&r);
}

int wire_get_publish(struct slice body, struct wire_message *message, struct property *properties)
{
    struct reader r = reader_of(body);
    get_message(&r, message, properties);
    return message->topic.data ? finished(&r) : -EBADMSG;
}

int wire_get_reply(struct slice body, struct slice *ret_payload)
{
    struct reader r = reader_of(body);
    *ret_payload = get_string(&r);
    return finished(&r);
}

int wire_get_log(struct slice body, uint32_t *ret_level, struct slice *ret_text)
{
    struct reader r = reader_of(body);
    *ret_level = get_u32_up_to(&r, LOG_LEVEL_MAX);
    *ret_text = get_string(&r);
    return ret_text->len > WIRE_LOG_TEXT_MAX ? -EBADMSG : finished(&r);
}

int wire_get_result(struct slice body, enum wire_result *ret_result)
{
    struct reader r = reader_of(body);
    *ret_result = (enum wire_result)get_u32_up_to(&r, WIRE_RESULT_SKIPPED);
    return finished(&r);
}

int wire_get_failed(struct slice body, struct slice *ret_reason)
{
    struct reader r = reader_of(body);
    *ret_reason = get_string(&r);
    return ret_reason->len > WIRE_LOG_TEXT_MAX ? -EBADMSG : finished(&r);
}
