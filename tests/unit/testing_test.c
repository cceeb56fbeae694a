/* hark/testing.h: calls answer as they do in a worker, and what a failed call put out is gone. */
#include "support/test.h"

#include <hark/testing.h>

/* The function under test does what each test sets. */
static int (*behave)(struct hark_context *ctx, const struct hark_message *in);
static int results[8];

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    return behave(ctx, in);
}

static const struct hark_function function = {.abi = HARK_ABI, .size = sizeof function, .handle = handle};

static struct hark_test *t;

static int begin(void **unused)
{
    (void)unused;
    t = hark_test_create(&function);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    hark_test_destroy(t);
    return 0;
}

/* ---- */

static int publish_to_many(struct hark_context *ctx, const struct hark_message *in)
{
    char long_topic[65537];
    (void)in;
    memset(long_topic, 'a', sizeof long_topic - 1);
    long_topic[sizeof long_topic - 1] = '\0';
    results[0] = hark_publish(ctx, "home/kitchen/heater", "on", 2);
    results[1] = hark_publish(ctx, "home/bath/heater", "on", 2);
    results[2] = hark_publish(ctx, "home/+/heater", "on", 2);
    results[3] = hark_publish(ctx, "", "on", 2);
    results[4] = hark_publish(ctx, "home/\xff", "on", 2);
    results[5] = hark_publish(ctx, long_topic, "on", 2);
    results[6] = hark_publish(ctx, "elsewhere", "on", 2);
    results[7] = hark_publish(ctx, "home/kitchen\n/heater", "on", 2);
    return HARK_OK;
}

static void a_topic_is_checked_as_in_a_worker(void **unused)
{
    (void)unused;
    behave = publish_to_many;
    hark_test_trigger(t, "home/{room}/temperature");
    hark_test_publishes(t, "home/{room}/heater");
    assert_int_equal(hark_test_send(t, "home/kitchen/temperature", "1"), HARK_OK);
    const int expected[] = {0, -EACCES, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EACCES, -EINVAL};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(results[i], expected[i]);
    assert_int_equal(hark_test_published_count(t), 1);
    assert_string_equal(hark_test_published(t, 0)->topic, "home/kitchen/heater");
    assert_null(hark_test_published(t, 1));
}

static int publish_too_much(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    results[0] = hark_publish(ctx, "a", "12345", 5);
    results[1] = hark_publish(ctx, "a", "1234", 4);
    results[2] = hark_publish(ctx, "a", NULL, 0);
    results[3] = hark_publish(ctx, "a", "", 0);
    return HARK_OK;
}

static void limits_hold(void **unused)
{
    (void)unused;
    behave = publish_too_much;
    hark_test_limits(t, 4, 2);
    assert_int_equal(hark_test_send(t, "x", ""), HARK_OK);
    const int expected[] = {-EMSGSIZE, 0, 0, -ENOBUFS};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(results[i], expected[i]);
}

static int publish_bad_messages(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    const struct hark_property bad = {"k", NULL};
    results[0] = hark_publish_message(ctx, &(struct hark_message){.topic = "a", .qos = 3});
    results[1] = hark_publish_message(ctx, &(struct hark_message){.topic = "a", .response_topic = "#"});
    results[2] = hark_publish_message(ctx, &(struct hark_message){.topic = "a", .content_type = "\xc0\x80"});
    results[3] = hark_publish_message(
        ctx, &(struct hark_message){.topic = "a", .properties = &bad, .property_count = 1});
    results[4] = hark_publish_message(
        ctx,
        &(struct hark_message){.topic = "a", .payload = "x", .payload_len = 1, .qos = 2, .retained = true});
    return HARK_OK;
}

static void a_message_is_checked_as_in_a_worker(void **unused)
{
    (void)unused;
    behave = publish_bad_messages;
    assert_int_equal(hark_test_send(t, "x", ""), HARK_OK);
    const int expected[] = {-EINVAL, -EINVAL, -EINVAL, -EINVAL, 0};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(results[i], expected[i]);
    assert_int_equal(hark_test_published(t, 0)->qos, 2);
    assert_true(hark_test_published(t, 0)->retained);
}

static int answer(struct hark_context *ctx, const struct hark_message *in)
{
    results[0] = hark_reply(ctx, in->payload, in->payload_len);
    return HARK_OK;
}

static void a_reply_needs_somebody_who_asked(void **unused)
{
    (void)unused;
    behave = answer;
    assert_int_equal(hark_test_send(t, "x", "hello"), HARK_OK);
    assert_int_equal(results[0], -EDESTADDRREQ);
    assert_null(hark_test_reply(t));
    const struct hark_message question = {.topic = "x",
                                          .payload = "hello",
                                          .payload_len = 5,
                                          .qos = 1,
                                          .response_topic = "answers",
                                          .correlation = "7",
                                          .correlation_len = 1};
    assert_int_equal(hark_test_message(t, &question), HARK_OK);
    assert_string_equal(hark_test_reply(t)->topic, "answers");
    assert_string_equal(hark_test_reply(t)->payload, "hello");
    assert_string_equal(hark_test_reply(t)->correlation, "7");
    assert_int_equal(hark_test_published_count(t), 0);
}

static int end_as_told(struct hark_context *ctx, const struct hark_message *in)
{
    (void)hark_publish(ctx, "a", "b", 1);
    return atoi(in->payload);
}

static void what_a_failed_call_put_out_is_gone(void **unused)
{
    (void)unused;
    behave = end_as_told;
    const struct {
        const char *payload;
        int result;
        size_t count;
    } rows[] = {{"0", HARK_OK, 1},
                {"1", HARK_RETRY, 0},
                {"2", HARK_REJECT, 0},
                {"7", HARK_RETRY, 0},
                {"-13", HARK_RETRY, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(hark_test_send(t, "x", rows[i].payload), rows[i].result);
        assert_int_equal(hark_test_published_count(t), rows[i].count);
    }
}

static int look_around(struct hark_context *ctx, const struct hark_message *in)
{
    hark_log(ctx, HARK_INFO, "%s|%s|%s|%s|%u|%d", hark_capture(ctx, "room"), hark_capture(ctx, "what"),
             hark_capture(ctx, "none") ? "?" : "-", hark_config(ctx, "k"), hark_attempt(ctx),
             in->properties ? (int)in->property_count : 0);
    return HARK_OK;
}

static void captures_config_and_attempt_are_there(void **unused)
{
    (void)unused;
    behave = look_around;
    hark_test_trigger(t, "other/#");
    hark_test_trigger(t, "home/{room}/+/{what}");
    hark_test_config(t, "k", "v");
    t->attempt = 3;
    assert_int_equal(hark_test_send(t, "home/kitchen/x/heat", ""), HARK_OK);
    assert_true(hark_test_logged(t, "kitchen|heat|-|v|3|0"));
    assert_int_equal(hark_attempt(&t->context), 0);
    assert_int_equal(hark_publish(&t->context, "a", "", 0), -EPERM);
}

/* In stop(): when the message is over, what belonged to it is gone. */
static void outside_handle_there_is_no_message(void **unused)
{
    (void)unused;
    behave = look_around;
    hark_test_trigger(t, "home/{room}/+/{what}");
    assert_int_equal(hark_test_send(t, "home/kitchen/x/heat", ""), HARK_OK);
    assert_null(hark_capture(&t->context, "room"));
    assert_int_equal(hark_budget_ns(&t->context), 0);
}

static int publish_to_all(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    results[0] = hark_publish(ctx, "$SYS/x", "", 0);
    results[1] = hark_publish(ctx, "x", "", 0);
    return HARK_OK;
}

static void a_wildcard_in_front_is_no_topic_of_the_broker(void **unused)
{
    (void)unused;
    static const char *const all[] = {"#", "+/x", "{any}/x"};
    behave = publish_to_all;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        hark_test_publishes(t, all[i]);
    assert_int_equal(hark_test_send(t, "a", ""), HARK_OK);
    assert_int_equal(results[0], -EACCES);
    assert_int_equal(results[1], 0);
}

static int reply_twice_and_publish(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    results[0] = hark_reply(ctx, "a", 1);
    results[1] = hark_reply(ctx, "b", 1);
    results[2] = hark_publish(ctx, "x", "", 0);
    return HARK_OK;
}

static void each_reply_counts_as_an_output(void **unused)
{
    (void)unused;
    behave = reply_twice_and_publish;
    hark_test_limits(t, 100, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            hark_test_message(t, &(struct hark_message){.topic = "a", .payload = "", .response_topic = "r"}),
            HARK_OK);
        assert_int_equal(results[1], 0);
        assert_int_equal(results[2], -ENOBUFS);
    }
}

static int publish_properties(struct hark_context *ctx, const struct hark_message *in)
{
    static char value[65536];
    struct hark_property properties[17] = {{"hark-hops", "3"}, {"mine", "1"}, {"hark-", "x"}};
    (void)in;
    struct hark_message m = {.topic = "x", .payload = "", .properties = properties, .property_count = 3};
    results[0] = hark_publish_message(ctx, &m);
    memset(value, 'v', sizeof value - 1);
    for (size_t i = 0; i < 17; i++)
        properties[i] = (struct hark_property){"k", value};
    m.property_count = 17;
    results[1] = hark_publish_message(ctx, &m);
    return HARK_OK;
}

static void properties_are_treated_as_in_a_worker(void **unused)
{
    (void)unused;
    behave = publish_properties;
    hark_test_limits(t, 100, 10);
    assert_int_equal(hark_test_send(t, "a", ""), HARK_OK);
    assert_int_equal(results[0], 0);
    assert_int_equal(hark_test_published(t, 0)->property_count, 1);
    assert_string_equal(hark_test_published(t, 0)->properties[0].key, "mine");
    assert_int_equal(results[1], -EMSGSIZE);
}

static int expect_a_tick(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    if (in->topic || in->payload_len || !in->payload)
        return HARK_REJECT;
    return in->property_count == 1 && strcmp(in->properties[0].key, "hark-trigger") == 0 &&
                   strcmp(in->properties[0].value, "every 30s") == 0
               ? HARK_OK
               : HARK_RETRY;
}

static void a_tick_has_no_topic_and_an_empty_payload(void **unused)
{
    (void)unused;
    behave = expect_a_tick;
    assert_int_equal(hark_test_tick(t, "every 30s"), HARK_OK);
    assert_int_equal(hark_test_message(t, &(struct hark_message){.qos = 0}), HARK_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_topic_is_checked_as_in_a_worker, begin, end),
        cmocka_unit_test_setup_teardown(limits_hold, begin, end),
        cmocka_unit_test_setup_teardown(a_message_is_checked_as_in_a_worker, begin, end),
        cmocka_unit_test_setup_teardown(a_reply_needs_somebody_who_asked, begin, end),
        cmocka_unit_test_setup_teardown(what_a_failed_call_put_out_is_gone, begin, end),
        cmocka_unit_test_setup_teardown(captures_config_and_attempt_are_there, begin, end),
        cmocka_unit_test_setup_teardown(outside_handle_there_is_no_message, begin, end),
        cmocka_unit_test_setup_teardown(a_wildcard_in_front_is_no_topic_of_the_broker, begin, end),
        cmocka_unit_test_setup_teardown(each_reply_counts_as_an_output, begin, end),
        cmocka_unit_test_setup_teardown(properties_are_treated_as_in_a_worker, begin, end),
        cmocka_unit_test_setup_teardown(a_tick_has_no_topic_and_an_empty_payload, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
