/* The worker is not believed: what it put out is checked again, kept as it came, and walked in order. */
#include "dispatcher/outbox.h"
#include "mqtt/packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *patterns[] = {(char[]){"home/{room}/heater"}, (char[]){"log/#"}};
static struct manifest manifest;
static struct topic_captures captures;
static struct outbox_rules rules;
static struct outbox box;
static struct buffer frame;
static struct diag diag;

static int empty_box(void **unused)
{
    (void)unused;
    manifest = (struct manifest){
        .publishes = patterns, .publish_count = 2, .limit_payload_bytes = 100, .limit_publishes = 3};
    captures = (struct topic_captures){1, {{slice_of("room"), slice_of("attic")}}};
    rules = (struct outbox_rules){.manifest = &manifest, .captures = &captures};
    box = (struct outbox){0};
    diag = (struct diag){0};
    return 0;
}

static int finish_box(void **unused)
{
    (void)unused;
    outbox_clear(&box);
    buffer_finish(&frame);
    return 0;
}

/* Hands in the one frame that was encoded. */
static int add_frame(void)
{
    struct wire_header header;
    struct slice body;
    assert_int_equal(wire_next(buffer_data(&frame), buffer_length(&frame), SIZE_MAX, &header, &body), 1);
    int error = outbox_add(&box, &rules, &header, body, &diag);
    buffer_finish(&frame);
    return error;
}

static int publish(const struct wire_message *message)
{
    wire_put_publish(&frame, 7, message);
    return add_frame();
}

static int publish_to(const char *topic)
{
    return publish(&(struct wire_message){.topic = slice_of(topic), .payload = slice_of("on"), .qos = 1});
}

static int reply(struct slice payload)
{
    wire_put_reply(&frame, 7, payload);
    return add_frame();
}

/* The body of a frame with other bytes than its encoder wrote. */
static int add_broken(enum wire_type type, struct slice body)
{
    struct wire_header header = {.length = (uint32_t)body.len, .type = type, .call = 7};
    return outbox_add(&box, &rules, &header, body, &diag);
}

static void is_refused(int got, int error, const char *words)
{
    assert_int_equal(got, error);
    assert_string_equal(diag.text, words);
    assert_int_equal(box.count, 0);
    assert_int_equal(buffer_length(&box.frames), 0);
}

static void a_topic_outside_publishes_is_refused(void **unused)
{
    (void)unused;
    const char *words = "it published to a topic that its manifest does not allow";
    is_refused(publish_to("elsewhere"), -EACCES, words);
    is_refused(publish_to("home/attic/heater/more"), -EACCES, words);
    manifest.publish_count = 0;
    is_refused(publish_to("log/x"), -EACCES, words);
}

static void a_captured_level_is_bound_to_the_trigger(void **unused)
{
    (void)unused;
    is_refused(publish_to("home/cellar/heater"), -EACCES,
               "it published to a topic that its manifest does not allow");
    assert_int_equal(publish_to("home/attic/heater"), 0);
}

static void publish_anywhere_allows_every_topic_name(void **unused)
{
    (void)unused;
    rules.publish_anywhere = true;
    manifest.publish_count = 0;
    is_refused(publish_to("any/#"), -EINVAL, "it published to something that is no topic name");
    assert_int_equal(publish_to("any/where"), 0);
}

static void a_topic_that_is_none_is_refused(void **unused)
{
    (void)unused;
    static const char *const topics[] = {"", "log/+", "log/#", "log/\xff", "log/\xed\xa0\x80", "log/a\nb"};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        is_refused(publish_to(topics[i]), -EINVAL, "it published to something that is no topic name");
    char *longest = malloc(TOPIC_MAX + 2);
    memset(longest, 'x', TOPIC_MAX + 1);
    memcpy(longest, "log/", 4);
    longest[TOPIC_MAX + 1] = '\0';
    is_refused(publish_to(longest), -EINVAL, "it published to something that is no topic name");
    longest[TOPIC_MAX] = '\0';
    assert_int_equal(publish_to(longest), 0);
    free(longest);
}

static void what_mqtt_cannot_carry_is_refused(void **unused)
{
    (void)unused;
    const char *words = "it published a property that MQTT cannot carry";
    static char big[UINT16_MAX + 1];
    memset(big, 'x', sizeof big);
    struct slice too_long = slice_make(big, sizeof big), no_text = slice_of("\xc3(");
    struct wire_message good = {.topic = slice_of("log/x"), .payload = slice_of("")};
    struct wire_message bad = good;
    bad.content_type = no_text;
    is_refused(publish(&bad), -EINVAL, words);
    bad.content_type = too_long;
    is_refused(publish(&bad), -EINVAL, words);
    bad = good;
    bad.response_topic = slice_of("a/+");
    is_refused(publish(&bad), -EINVAL, words);
    bad = good;
    bad.correlation = too_long;
    is_refused(publish(&bad), -EINVAL, words);
    struct property pairs[] = {{slice_of("k"), slice_of("v")}, {slice_of("k"), no_text}};
    bad = good;
    bad.properties = pairs;
    bad.property_count = 2;
    is_refused(publish(&bad), -EINVAL, words);
    pairs[1] = (struct property){too_long, slice_of("v")};
    is_refused(publish(&bad), -EINVAL, words);
    bad.property_count = 1;
    assert_int_equal(publish(&bad), 0);
}

static void a_body_that_is_none_is_refused(void **unused)
{
    (void)unused;
    rules.response_topic = slice_of("answers");
    is_refused(add_broken(WIRE_PUBLISH, slice_of("")), -EBADMSG, "it sent an output that is none");
    is_refused(add_broken(WIRE_PUBLISH, slice_of("\xff\xff\xff\xff")), -EBADMSG,
               "it sent an output that is none");
    is_refused(add_broken(WIRE_REPLY, slice_of("")), -EBADMSG, "it sent a reply that is none");
    is_refused(add_broken(WIRE_REPLY, slice_of("\x09\x01\x01\x01x")), -EBADMSG,
               "it sent a reply that is none");
}

static void a_reply_needs_somebody_who_asked(void **unused)
{
    (void)unused;
    is_refused(reply(slice_of("42")), -EDESTADDRREQ, "it replied where nobody had asked for a reply");
    rules.response_topic = slice_of("answers");
    manifest.publish_count = 0;
    assert_int_equal(reply(slice_of("42")), 0);
}

static void a_payload_may_be_as_large_as_the_limit(void **unused)
{
    (void)unused;
    static char bytes[101];
    rules.response_topic = slice_of("answers");
    struct wire_message m = {.topic = slice_of("log/x"), .payload = slice_make(bytes, 101)};
    is_refused(publish(&m), -EMSGSIZE, "it published more bytes than limits.payload");
    is_refused(reply(m.payload), -EMSGSIZE, "it published more bytes than limits.payload");
    m.payload.len = 100;
    assert_int_equal(publish(&m), 0);
    assert_int_equal(reply(m.payload), 0);
}

static void outputs_may_be_as_many_as_the_limit(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        assert_int_equal(publish_to("log/x"), 0);
    assert_int_equal(publish_to("log/x"), -ENOBUFS);
    assert_string_equal(diag.text, "it published more messages than limits.publishes");
    assert_int_equal(box.count, 3);
}

static void all_outputs_together_are_bounded_in_bytes(void **unused)
{
    (void)unused;
    enum { PAYLOAD = 8 << 20 };
    char *bytes = calloc(1, PAYLOAD);
    manifest.limit_payload_bytes = PAYLOAD;
    manifest.limit_publishes = 1000;
    struct wire_message m = {.topic = slice_of("log/x"), .payload = slice_make(bytes, PAYLOAD)};
    for (int i = 0; i < 3; i++)
        assert_int_equal(publish(&m), 0);
    assert_int_equal(publish(&m), -ENOBUFS);
    assert_string_equal(diag.text, "it published more than 32 MiB in one invocation");
    assert_int_equal(publish_to("log/small"), 0);
    assert_in_range(buffer_length(&box.frames), 3 * PAYLOAD, OUTBOX_BYTES_MAX);
    free(bytes);
}

static void outputs_come_out_in_the_order_they_went_in(void **unused)
{
    (void)unused;
    struct property pair = {slice_of("unit"), slice_of("K")}, storage[WIRE_PROPERTIES_MAX];
    struct mqtt_message request = {
        .response_topic = slice_of("answers"), .correlation = slice_of("id-1"), .qos = 2};
    rules.response_topic = request.response_topic;
    assert_int_equal(publish(&(struct wire_message){.topic = slice_of("log/a"),
                                                    .payload = slice_of("1"),
                                                    .content_type = slice_of("text/plain"),
                                                    .response_topic = slice_of("back"),
                                                    .correlation = slice_of("c"),
                                                    .properties = &pair,
                                                    .property_count = 1,
                                                    .expiry_s = 60,
                                                    .qos = 1,
                                                    .retained = true}),
                     0);
    assert_int_equal(reply(slice_of("42")), 0);
    assert_int_equal(publish_to("log/b"), 0);
    size_t offset = 0;
    struct mqtt_publish p;
    assert_true(outbox_next(&box, &offset, &request, &p, storage));
    assert_true(slice_equal(p.topic, slice_of("log/a")) && slice_equal(p.payload, slice_of("1")));
    assert_true(slice_equal(p.content_type, slice_of("text/plain")));
    assert_true(slice_equal(p.response_topic, slice_of("back")) && slice_equal(p.correlation, slice_of("c")));
    assert_int_equal(p.property_count, 1);
    assert_true(slice_equal(p.properties[0].key, pair.key) && slice_equal(p.properties[0].value, pair.value));
    assert_true(p.qos == 1 && p.retain && p.has_expiry && p.expiry_s == 60);
    assert_true(p.checked && packet_publish_check(&p) == 0);
    assert_true(outbox_next(&box, &offset, &request, &p, storage));
    assert_true(slice_equal(p.topic, slice_of("answers")) && slice_equal(p.payload, slice_of("42")));
    assert_true(slice_equal(p.correlation, slice_of("id-1")) && p.qos == 2 && !p.retain && !p.has_expiry);
    assert_true(outbox_next(&box, &offset, &request, &p, storage));
    assert_true(slice_equal(p.topic, slice_of("log/b")) && !p.has_expiry && !p.content_type.data);
    assert_false(outbox_next(&box, &offset, &request, &p, storage));
    assert_false(outbox_next(&box, &offset, &request, &p, storage));
}

/* Encodes an output behind those that `frame` holds, and lends it. */
static int lend(const char *topic)
{
    size_t before = buffer_length(&frame);
    struct wire_header header;
    struct slice body;
    wire_put_publish(&frame, 7, &(struct wire_message){.topic = slice_of(topic), .payload = slice_of("on")});
    assert_int_equal(
        wire_next(buffer_data(&frame) + before, buffer_length(&frame) - before, SIZE_MAX, &header, &body), 1);
    return outbox_lend(&box, &rules, &header, body, &diag);
}

/* Encoding must not move what was lent. */
static void given_a_place_for_frames(void)
{
    assert_non_null(buffer_reserve(&frame, 4096));
}

static void the_box_holds(const char *topics)
{
    struct property storage[WIRE_PROPERTIES_MAX];
    struct mqtt_message request = {0};
    struct mqtt_publish p;
    char got[200] = "";
    size_t offset = 0;
    while (outbox_next(&box, &offset, &request, &p, storage))
        snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ", SLICE_ARG(p.topic));
    assert_string_equal(got, topics);
    assert_int_equal(offset, outbox_bytes(&box));
}

static void what_is_lent_takes_no_memory(void **unused)
{
    (void)unused;
    given_a_place_for_frames();
    assert_int_equal(lend("log/a"), 0);
    assert_int_equal(lend("log/b"), 0);
    assert_null(box.frames.memory);
    the_box_holds("log/a log/b ");
}

static void what_is_kept_outlives_its_frames(void **unused)
{
    (void)unused;
    given_a_place_for_frames();
    assert_int_equal(lend("log/a"), 0);
    assert_int_equal(lend("log/b"), 0);
    assert_int_equal(outbox_keep(&box, &diag), 0);
    memset(buffer_data(&frame), 'x', buffer_length(&frame));
    buffer_clear(&frame);
    assert_int_equal(lend("log/c"), 0);
    the_box_holds("log/a log/b log/c ");
}

static void lent_frames_need_not_lie_side_by_side(void **unused)
{
    (void)unused;
    given_a_place_for_frames();
    assert_int_equal(lend("log/a"), 0);
    wire_put_log(&frame, 7, 1, slice_of("between"));
    assert_int_equal(lend("log/b"), 0);
    assert_int_equal(lend("log/c"), 0);
    the_box_holds("log/a log/b log/c ");
}

static void what_is_lent_counts_like_what_is_kept(void **unused)
{
    (void)unused;
    given_a_place_for_frames();
    for (int i = 0; i < 3; i++)
        assert_int_equal(lend("log/x"), 0);
    assert_int_equal(lend("log/x"), -ENOBUFS);
    assert_int_equal(lend("elsewhere"), -EACCES);
    the_box_holds("log/x log/x log/x ");
    outbox_clear(&box);
    the_box_holds("");
}

static void what_only_hark_may_say_is_left_out(void **unused)
{
    (void)unused;
    struct property storage[WIRE_PROPERTIES_MAX];
    struct property forged[] = {{slice_of("hark-hops"), slice_of("0")},
                                {slice_of("unit"), slice_of("K")},
                                {slice_of("hark-error"), slice_of("none")}};
    struct mqtt_message request = {0};
    struct mqtt_publish p;
    size_t offset = 0;
    assert_int_equal(
        publish(&(struct wire_message){
            .topic = slice_of("log/a"), .payload = slice_of("1"), .properties = forged, .property_count = 3}),
        0);
    assert_true(outbox_next(&box, &offset, &request, &p, storage));
    assert_int_equal(p.property_count, 1);
    assert_true(slice_equal(p.properties[0].key, slice_of("unit")));
}

static void a_cleared_box_has_nothing_and_takes_anew(void **unused)
{
    (void)unused;
    struct property storage[WIRE_PROPERTIES_MAX];
    struct mqtt_message request = {0};
    struct mqtt_publish p;
    size_t offset = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(publish_to("log/x"), 0);
    outbox_clear(&box);
    assert_false(outbox_next(&box, &offset, &request, &p, storage));
    assert_int_equal(publish_to("log/y"), 0);
    assert_true(outbox_next(&box, &offset, &request, &p, storage));
    assert_true(slice_equal(p.topic, slice_of("log/y")));
}

#define OUTBOX_TEST(test) cmocka_unit_test_setup_teardown(test, empty_box, finish_box)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(a_topic_outside_publishes_is_refused),
        OUTBOX_TEST(a_captured_level_is_bound_to_the_trigger),
        OUTBOX_TEST(publish_anywhere_allows_every_topic_name),
        OUTBOX_TEST(a_topic_that_is_none_is_refused),
        OUTBOX_TEST(what_mqtt_cannot_carry_is_refused),
        OUTBOX_TEST(a_body_that_is_none_is_refused),
        OUTBOX_TEST(a_reply_needs_somebody_who_asked),
        OUTBOX_TEST(a_payload_may_be_as_large_as_the_limit),
        OUTBOX_TEST(outputs_may_be_as_many_as_the_limit),
        OUTBOX_TEST(all_outputs_together_are_bounded_in_bytes),
        OUTBOX_TEST(outputs_come_out_in_the_order_they_went_in),
        OUTBOX_TEST(what_is_lent_takes_no_memory),
        OUTBOX_TEST(what_is_kept_outlives_its_frames),
        OUTBOX_TEST(lent_frames_need_not_lie_side_by_side),
        OUTBOX_TEST(what_is_lent_counts_like_what_is_kept),
        OUTBOX_TEST(what_only_hark_may_say_is_left_out),
        OUTBOX_TEST(a_cleared_box_has_nothing_and_takes_anew),
    };
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
