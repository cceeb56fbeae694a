/* wire.c: bytes from a hostile worker (or dispatcher): a frame that is accepted is encoded again to the very
 * same body, and every string that comes out lies inside it with its NUL. */
#include "fuzz.h"

#include "shared/grants.h"
#include "shared/wire.h"

#include <errno.h>

enum { BODY_MAX = 64 * 1024 };

static struct property pairs[WIRE_CONFIG_MAX];
static struct slice publishes[WIRE_PUBLISHES_MAX];

static void check_inside(struct slice s, struct slice body)
{
    CHECK(s.data >= body.data && s.data + s.len < body.data + body.len && s.data[s.len] == '\0');
}

static void check_optional(struct slice s, struct slice body)
{
    if (s.data)
        check_inside(s, body);
}

static void check_message(const struct wire_message *m, struct slice body)
{
    check_optional(m->topic, body);
    check_inside(m->payload, body);
    check_optional(m->content_type, body);
    check_optional(m->response_topic, body);
    check_optional(m->correlation, body);
    CHECK(m->property_count <= WIRE_PROPERTIES_MAX && m->qos <= 2);
    for (uint32_t i = 0; i < m->property_count; i++) {
        check_inside(m->properties[i].key, body);
        check_inside(m->properties[i].value, body);
    }
}

static int again_setup(struct buffer *out, struct slice body)
{
    struct wire_setup setup;
    int error = wire_get_setup(body, &setup, pairs, publishes);
    if (error)
        return error;
    check_inside(setup.function, body);
    check_inside(setup.handler, body);
    check_optional(setup.script, body);
    wire_put_setup(out, &setup);
    return 0;
}

static int again_invoke(struct buffer *out, struct slice body)
{
    struct wire_invoke invoke;
    int error = wire_get_invoke(body, &invoke, pairs);
    if (error)
        return error;
    check_message(&invoke.message, body);
    for (size_t i = 0; i < invoke.captures.count; i++)
        check_inside(invoke.captures.items[i].value, body);
    wire_put_invoke(out, 1, &invoke);
    return 0;
}

static int again_publish(struct buffer *out, struct slice body)
{
    struct wire_message message;
    int error = wire_get_publish(body, &message, pairs);
    if (error)
        return error;
    CHECK(message.topic.data);
    check_message(&message, body);
    wire_put_publish(out, 1, &message);
    return 0;
}

static int again_text(struct buffer *out, enum wire_type type, struct slice body)
{
    struct slice text;
    uint32_t level = 0;
    int error = type == WIRE_LOG     ? wire_get_log(body, &level, &text)
                : type == WIRE_REPLY ? wire_get_reply(body, &text)
                                     : wire_get_failed(body, &text);
    if (error)
        return error;
    check_inside(text, body);
    if (type == WIRE_LOG)
        wire_put_log(out, 1, level, text);
    else if (type == WIRE_REPLY)
        wire_put_reply(out, 1, text);
    else
        wire_put_failed(out, text);
    return 0;
}

static int again_result(struct buffer *out, struct slice body)
{
    enum wire_result result;
    int error = wire_get_result(body, &result);
    if (!error)
        wire_put_result(out, 1, result);
    return error;
}

static int again(struct buffer *out, enum wire_type type, struct slice body)
{
    switch (type) {
    case WIRE_SETUP:
        return again_setup(out, body);
    case WIRE_INVOKE:
        return again_invoke(out, body);
    case WIRE_PUBLISH:
        return again_publish(out, body);
    case WIRE_REPLY:
    case WIRE_LOG:
    case WIRE_FAILED:
        return again_text(out, type, body);
    case WIRE_RESULT:
        return again_result(out, body);
    default:
        return -EBADMSG;
    }
}

static void check_frame(const struct wire_header *header, struct slice body)
{
    static struct buffer out;
    buffer_clear(&out);
    int error = again(&out, header->type, body);
    CHECK(error == 0 || error == -EBADMSG);
    if (error)
        return;
    CHECK(!buffer_failed(&out) && buffer_length(&out) == WIRE_HEADER_BYTES + body.len);
    CHECK(memcmp(buffer_data(&out) + WIRE_HEADER_BYTES, body.data, body.len) == 0);
}

/* The same bytes, taken for what follows an order to the zygote. */
static void check_grants(struct slice bytes)
{
    static char again[GRANTS_BYTES_MAX];
    struct grants grants;
    int error = grants_decode(bytes, &grants);
    CHECK(error == 0 || error == -EBADMSG);
    if (error)
        return;
    for (uint32_t i = 0; i < grants.path_count; i++)
        check_inside(grants.paths[i].path, bytes);
    CHECK(bytes.len <= GRANTS_BYTES_MAX && grants_encode(&grants, again) == bytes.len);
    CHECK(memcmp(again, bytes.data, bytes.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        check_grants(slice_make(data, size));
    struct wire_header header;
    struct slice body;
    int got;
    while ((got = wire_next(data, size, BODY_MAX, &header, &body)) == 1) {
        CHECK(WIRE_HEADER_BYTES + body.len <= size && body.len <= BODY_MAX);
        check_frame(&header, body);
        data += WIRE_HEADER_BYTES + body.len;
        size -= WIRE_HEADER_BYTES + body.len;
    }
    CHECK(got == 0 || got == -EBADMSG);
    return 0;
}
