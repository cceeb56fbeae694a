#include "shared/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BODY_MAX = 1 << 20 };

static struct buffer frames;
static struct property properties[WIRE_PROPERTIES_MAX];
static struct property pairs[WIRE_CONFIG_MAX];
static struct slice patterns[WIRE_PUBLISHES_MAX];

static int setup(void **unused)
{
    (void)unused;
    buffer_clear(&frames);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    buffer_finish(&frames);
    return 0;
}

static void assert_slice(struct slice s, const char *text)
{
    assert_true(slice_equal(s, slice_of(text)));
    assert_int_equal(s.data[s.len], '\0');
}

/* The body of the only frame in `frames`. */
static struct slice only_frame(enum wire_type type, uint64_t call)
{
    struct wire_header header;
    struct slice body;
    assert_false(buffer_failed(&frames));
    assert_int_equal(wire_next(buffer_data(&frames), buffer_length(&frames), BODY_MAX, &header, &body), 1);
    assert_int_equal(header.type, type);
    assert_int_equal(header.call, call);
    assert_int_equal(buffer_length(&frames), WIRE_HEADER_BYTES + header.length);
    return body;
}

static const struct property SOME_PAIRS[] = {{{"colour", 6}, {"red", 3}}, {{"", 0}, {"", 0}}};

static struct wire_message full_message(void)
{
    return (struct wire_message){
        .topic = slice_of("home/kitchen/temperature"),
        .payload = slice_make("21\0.5", 5),
        .content_type = slice_of("text/plain"),
        .response_topic = slice_of("my/answer"),
        .correlation = slice_make("\0\1\2", 3),
        .properties = SOME_PAIRS,
        .property_count = 2,
        .expiry_s = 3600,
        .qos = 2,
        .retained = true,
    };
}

static void assert_full_message(const struct wire_message *m)
{
    assert_slice(m->topic, "home/kitchen/temperature");
    assert_true(slice_equal(m->payload, slice_make("21\0.5", 5)));
    assert_slice(m->content_type, "text/plain");
    assert_slice(m->response_topic, "my/answer");
    assert_true(slice_equal(m->correlation, slice_make("\0\1\2", 3)));
    assert_int_equal(m->property_count, 2);
    assert_slice(m->properties[0].key, "colour");
    assert_slice(m->properties[0].value, "red");
    assert_slice(m->properties[1].key, "");
    assert_int_equal(m->expiry_s, 3600);
    assert_int_equal(m->qos, 2);
    assert_true(m->retained);
}

static struct wire_invoke full_invoke(void)
{
    struct wire_invoke invoke = {.chain = 7, .timeout_ns = 1ull << 40, .attempt = 3};
    invoke.captures.count = 1;
    invoke.captures.items[0] = (struct topic_capture){slice_of("room"), slice_of("kitchen")};
    invoke.message = full_message();
    return invoke;
}

static struct wire_setup full_setup(const struct slice *publishes)
{
    return (struct wire_setup){
        .function = slice_of("thermostat"),
        .handler = slice_of("thermostat.so"),
        .script = slice_make("a\0b", 3),
        .config = SOME_PAIRS,
        .config_count = 2,
        .publishes = publishes,
        .publish_count = 1,
        .payload_max_bytes = 1ull << 33,
        .publishes_max = 1000,
        .publish_anywhere = true,
    };
}

static void a_setup_arrives_as_it_was_sent(void **unused)
{
    (void)unused;
    struct slice publishes[] = {slice_of("home/{room}/heater")};
    struct wire_setup sent = full_setup(publishes), got;
    wire_put_setup(&frames, &sent);
    assert_int_equal(wire_get_setup(only_frame(WIRE_SETUP, 0), &got, pairs, patterns), 0);
    assert_slice(got.function, "thermostat");
    assert_slice(got.handler, "thermostat.so");
    assert_int_equal(got.script.len, 3);
    assert_memory_equal(got.script.data, "a\0b", 4);
    assert_int_equal(got.config_count, 2);
    assert_slice(got.config[0].value, "red");
    assert_int_equal(got.publish_count, 1);
    assert_slice(got.publishes[0], "home/{room}/heater");
    assert_int_equal(got.payload_max_bytes, 1ull << 33);
    assert_int_equal(got.publishes_max, 1000);
    assert_true(got.publish_anywhere);
}

static void an_invoke_arrives_as_it_was_sent(void **unused)
{
    (void)unused;
    struct wire_invoke sent = full_invoke(), got;
    wire_put_invoke(&frames, 42, &sent);
    assert_int_equal(wire_get_invoke(only_frame(WIRE_INVOKE, 42), &got, properties), 0);
    assert_int_equal(got.chain, 7);
    assert_int_equal(got.timeout_ns, 1ull << 40);
    assert_int_equal(got.attempt, 3);
    assert_int_equal(got.captures.count, 1);
    assert_slice(got.captures.items[0].name, "room");
    assert_slice(got.captures.items[0].value, "kitchen");
    assert_full_message(&got.message);
}

static void a_publish_arrives_as_it_was_sent(void **unused)
{
    (void)unused;
    struct wire_message sent = full_message(), got;
    wire_put_publish(&frames, 9, &sent);
    assert_int_equal(wire_get_publish(only_frame(WIRE_PUBLISH, 9), &got, properties), 0);
    assert_full_message(&got);
}

static void a_frame_whose_payload_is_put_in_later_is_the_same(void **unused)
{
    (void)unused;
    struct wire_invoke invoke = full_invoke();
    struct wire_message message = full_message();
    struct buffer around = {0};
    wire_put_empty(&frames, WIRE_READY); /* what is in the buffer already stays before it */
    wire_put_empty(&around, WIRE_READY);
    wire_put_invoke(&frames, 42, &invoke);
    size_t gap = wire_put_invoke_around(&around, 42, &invoke);
    buffer_fill(&around, gap, invoke.message.payload, 0);
    wire_put_publish(&frames, 9, &message);
    gap = wire_put_publish_around(&around, 9, &message);
    buffer_fill(&around, gap, message.payload, 0);
    assert_int_equal(buffer_length(&around), buffer_length(&frames));
    assert_memory_equal(buffer_data(&around), buffer_data(&frames), buffer_length(&frames));
    buffer_finish(&around);
}

static void absent_is_not_empty(void **unused)
{
    (void)unused;
    struct wire_invoke sent = {.message.content_type = slice_of("")}, got;
    wire_put_invoke(&frames, 1, &sent);
    assert_int_equal(wire_get_invoke(only_frame(WIRE_INVOKE, 1), &got, properties), 0);
    assert_null(got.message.topic.data);
    assert_null(got.message.response_topic.data);
    assert_null(got.message.correlation.data);
    assert_slice(got.message.content_type, "");
    assert_slice(got.message.payload, ""); /* a payload is never absent */
}

static void replies_logs_results_and_failures_arrive(void **unused)
{
    (void)unused;
    struct slice text;
    uint32_t level;
    enum wire_result result;
    wire_put_reply(&frames, 5, slice_of("42"));
    assert_int_equal(wire_get_reply(only_frame(WIRE_REPLY, 5), &text), 0);
    assert_slice(text, "42");
    buffer_clear(&frames);
    wire_put_log(&frames, 5, 2, slice_of("hot"));
    assert_int_equal(wire_get_log(only_frame(WIRE_LOG, 5), &level, &text), 0);
    assert_int_equal(level, 2);
    assert_slice(text, "hot");
    buffer_clear(&frames);
    wire_put_result(&frames, 5, WIRE_RESULT_SKIPPED);
    assert_int_equal(wire_get_result(only_frame(WIRE_RESULT, 5), &result), 0);
    assert_int_equal(result, WIRE_RESULT_SKIPPED);
    buffer_clear(&frames);
    wire_put_failed(&frames, slice_of("no memory"));
    assert_int_equal(wire_get_failed(only_frame(WIRE_FAILED, 0), &text), 0);
    assert_slice(text, "no memory");
    buffer_clear(&frames);
    wire_put_empty(&frames, WIRE_READY);
    assert_int_equal(only_frame(WIRE_READY, 0).len, 0);
}

static void a_long_log_line_is_cut(void **unused)
{
    (void)unused;
    static char text[WIRE_LOG_TEXT_MAX + 10];
    struct slice got;
    uint32_t level;
    memset(text, 'x', sizeof text);
    wire_put_log(&frames, 1, 0, slice_make(text, sizeof text));
    assert_int_equal(wire_get_log(only_frame(WIRE_LOG, 1), &level, &got), 0);
    assert_int_equal(got.len, WIRE_LOG_TEXT_MAX);
}

static void a_frame_comes_out_only_when_it_is_whole(void **unused)
{
    (void)unused;
    struct wire_header header = {.call = 77};
    struct slice body;
    wire_put_result(&frames, 1, WIRE_RESULT_OK);
    wire_put_result(&frames, 2, WIRE_RESULT_OK);
    size_t whole = buffer_length(&frames) / 2;
    for (size_t len = 0; len < whole; len++)
        assert_int_equal(wire_next(buffer_data(&frames), len, BODY_MAX, &header, &body), 0);
    assert_int_equal(header.call, 77);
    assert_int_equal(wire_next(buffer_data(&frames), whole, BODY_MAX, &header, &body), 1);
    assert_int_equal(header.call, 1);
    assert_int_equal(wire_next(buffer_data(&frames) + whole, whole, BODY_MAX, &header, &body), 1);
    assert_int_equal(header.call, 2);
}

static int next_of(struct wire_header sent)
{
    struct wire_header header;
    struct slice body;
    return wire_next((const uint8_t *)&sent, sizeof sent, 100, &header, &body);
}

static void a_body_beyond_the_bound_is_refused_before_it_comes(void **unused)
{
    (void)unused;
    assert_int_equal(next_of((struct wire_header){.type = WIRE_REPLY, .length = 100}), 0);
    assert_int_equal(next_of((struct wire_header){.type = WIRE_REPLY, .length = 101}), -EBADMSG);
    assert_int_equal(next_of((struct wire_header){.type = WIRE_REPLY, .length = UINT32_MAX}), -EBADMSG);
}

static void an_unknown_type_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(next_of((struct wire_header){.type = 0}), -EBADMSG);
    assert_int_equal(next_of((struct wire_header){.type = WIRE_STOPPED}), 1);
    assert_int_equal(next_of((struct wire_header){.type = WIRE_STOPPED + 1}), -EBADMSG);
}

static int decode(enum wire_type type, struct slice body)
{
    struct wire_setup s;
    struct wire_invoke invoke;
    struct wire_message message;
    struct slice text;
    uint32_t level;
    enum wire_result result;
    switch (type) {
    case WIRE_SETUP:
        return wire_get_setup(body, &s, pairs, patterns);
    case WIRE_INVOKE:
        return wire_get_invoke(body, &invoke, properties);
    case WIRE_PUBLISH:
        return wire_get_publish(body, &message, properties);
    case WIRE_REPLY:
        return wire_get_reply(body, &text);
    case WIRE_LOG:
        return wire_get_log(body, &level, &text);
    case WIRE_RESULT:
        return wire_get_result(body, &result);
    default:
        return wire_get_failed(body, &text);
    }
}

static void put_one_of_each(void)
{
    struct slice publishes[] = {slice_of("a/b")};
    struct wire_setup s = full_setup(publishes);
    struct wire_invoke invoke = full_invoke();
    wire_put_setup(&frames, &s);
    wire_put_invoke(&frames, 1, &invoke);
    wire_put_publish(&frames, 1, &invoke.message);
    wire_put_reply(&frames, 1, slice_of("x"));
    wire_put_log(&frames, 1, 1, slice_of("x"));
    wire_put_result(&frames, 1, WIRE_RESULT_RETRY);
    wire_put_failed(&frames, slice_of("x"));
}

/* Calls check(type, body) for each frame that put_one_of_each wrote; the body is in a block of its own size,
 * with one byte more, so that a sanitizer sees a read behind it. */
static void for_each_body(void (*check)(enum wire_type type, char *body, size_t len))
{
    struct wire_header header;
    struct slice body;
    put_one_of_each();
    while (buffer_length(&frames)) {
        int got = wire_next(buffer_data(&frames), buffer_length(&frames), BODY_MAX, &header, &body);
        assert_int_equal(got, 1);
        char *copy = malloc(body.len + 1);
        memcpy(copy, body.data, body.len);
        copy[body.len] = '\0';
        check(header.type, copy, body.len);
        free(copy);
        buffer_consume(&frames, WIRE_HEADER_BYTES + header.length);
    }
}

static void check_cut(enum wire_type type, char *body, size_t len)
{
    assert_int_equal(decode(type, slice_make(body, len)), 0);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(decode(type, slice_make(body, cut)), -EBADMSG);
}

static void a_body_cut_anywhere_is_refused(void **unused)
{
    (void)unused;
    for_each_body(check_cut);
}

static void check_trailing(enum wire_type type, char *body, size_t len)
{
    assert_int_equal(decode(type, slice_make(body, len + 1)), -EBADMSG);
}

static void trailing_bytes_are_refused(void **unused)
{
    (void)unused;
    for_each_body(check_trailing);
}

static void set_u32(char *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

/* A reply's body is its payload: length, "ab", NUL. */
static int reply_with_length(uint32_t len)
{
    struct slice text;
    char body[] = {0, 0, 0, 0, 'a', 'b', '\0'};
    set_u32(body, len);
    return wire_get_reply(slice_make(body, sizeof body), &text);
}

static void a_string_is_bounded_by_its_frame_and_ends_with_nul(void **unused)
{
    (void)unused;
    assert_int_equal(reply_with_length(2), 0);
    assert_int_equal(reply_with_length(1), -EBADMSG);
    assert_int_equal(reply_with_length(3), -EBADMSG);
    assert_int_equal(reply_with_length(0x7fffffff), -EBADMSG);
    assert_int_equal(reply_with_length(0xfffffffe), -EBADMSG);
    assert_int_equal(reply_with_length(0xffffffff), -EBADMSG); /* absent, where something must be */
}

static int result_of(uint32_t number)
{
    enum wire_result result;
    return wire_get_result(slice_make(&number, sizeof number), &result);
}

static void a_result_out_of_range_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(result_of(WIRE_RESULT_SKIPPED), 0);
    assert_int_equal(result_of(WIRE_RESULT_SKIPPED + 1), -EBADMSG);
    assert_int_equal(result_of(UINT32_MAX), -EBADMSG);
}

/* The last bytes of a publish's body are qos and retained. */
static int publish_ending_with(char qos, char retained)
{
    struct wire_message got, sent = {.topic = slice_of("t")};
    char body[256];
    buffer_clear(&frames);
    wire_put_publish(&frames, 1, &sent);
    struct slice encoded = only_frame(WIRE_PUBLISH, 1);
    memcpy(body, encoded.data, encoded.len);
    body[encoded.len - 2] = qos;
    body[encoded.len - 1] = retained;
    return wire_get_publish(slice_make(body, encoded.len), &got, properties);
}

static void a_qos_or_a_boolean_out_of_range_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(publish_ending_with(2, 1), 0);
    assert_int_equal(publish_ending_with(3, 1), -EBADMSG);
    assert_int_equal(publish_ending_with(2, 2), -EBADMSG);
    assert_int_equal(publish_ending_with(-1, 0), -EBADMSG);
}

static void a_publish_without_a_topic_is_refused(void **unused)
{
    (void)unused;
    struct wire_message got, sent = {.payload = slice_of("x")};
    wire_put_publish(&frames, 1, &sent);
    assert_int_equal(wire_get_publish(only_frame(WIRE_PUBLISH, 1), &got, properties), -EBADMSG);
}

static int publish_with_properties(uint32_t count, uint32_t said)
{
    struct property many[WIRE_PROPERTIES_MAX];
    struct wire_message got, sent = {.topic = slice_of("t"), .properties = many, .property_count = count};
    for (uint32_t i = 0; i < count; i++)
        many[i] = (struct property){slice_of("k"), slice_of("v")};
    buffer_clear(&frames);
    wire_put_publish(&frames, 1, &sent);
    struct slice body = only_frame(WIRE_PUBLISH, 1);
    size_t count_at = body.len - 2 - 4 - count * 12 - 4;
    set_u32((char *)buffer_data(&frames) + WIRE_HEADER_BYTES + count_at, said);
    return wire_get_publish(body, &got, properties);
}

static void a_count_is_bounded_before_it_is_believed(void **unused)
{
    (void)unused;
    assert_int_equal(publish_with_properties(WIRE_PROPERTIES_MAX, WIRE_PROPERTIES_MAX), 0);
    assert_int_equal(publish_with_properties(WIRE_PROPERTIES_MAX, WIRE_PROPERTIES_MAX + 1), -EBADMSG);
    assert_int_equal(publish_with_properties(1, 2), -EBADMSG);
    assert_int_equal(publish_with_properties(1, UINT32_MAX), -EBADMSG);
}

static void a_log_level_out_of_range_is_refused(void **unused)
{
    (void)unused;
    struct slice text;
    uint32_t level;
    wire_put_log(&frames, 1, 4, slice_of("x"));
    assert_int_equal(wire_get_log(only_frame(WIRE_LOG, 1), &level, &text), -EBADMSG);
}

#define IT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT(a_setup_arrives_as_it_was_sent),
        IT(an_invoke_arrives_as_it_was_sent),
        IT(a_publish_arrives_as_it_was_sent),
        IT(a_frame_whose_payload_is_put_in_later_is_the_same),
        IT(absent_is_not_empty),
        IT(replies_logs_results_and_failures_arrive),
        IT(a_long_log_line_is_cut),
        IT(a_frame_comes_out_only_when_it_is_whole),
        IT(a_body_beyond_the_bound_is_refused_before_it_comes),
        IT(an_unknown_type_is_refused),
        IT(a_body_cut_anywhere_is_refused),
        IT(trailing_bytes_are_refused),
        IT(a_string_is_bounded_by_its_frame_and_ends_with_nul),
        IT(a_result_out_of_range_is_refused),
        IT(a_qos_or_a_boolean_out_of_range_is_refused),
        IT(a_publish_without_a_topic_is_refused),
        IT(a_count_is_bounded_before_it_is_believed),
        IT(a_log_level_out_of_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
