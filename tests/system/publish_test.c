/* publish_test.c: what a function may publish, and what it is told when it may not. */
#include "zygote_harness.h"

#include <errno.h>
#include <stdlib.h>

static int number_asked(struct worker *w, const char *payload)
{
    static uint64_t call;
    return atoi(worker_ask(w, ++call, payload));
}

static struct worker start_denied(void)
{
    static const struct slice publishes[] = {{"out/denied", 10}, {"home/{room}/heater", 18}, {"open/+/#", 8}};
    struct worker w = worker_fork("denied", 0);
    struct wire_setup setup = worker_default_setup("denied");
    setup.publishes = publishes;
    setup.publish_count = 3;
    setup.payload_max_bytes = 100;
    setup.publishes_max = 10;
    worker_send_setup(&w, &setup);
    worker_expect(&w, WIRE_READY, 0);
    return w;
}

static void only_the_topics_of_the_manifest_may_be_published_to(void **unused)
{
    (void)unused;
    struct worker w = start_denied();
    assert_int_equal(number_asked(&w, "out/denied"), 0);
    assert_int_equal(number_asked(&w, "open/a/b/c"), 0);
    assert_int_equal(number_asked(&w, "home/kitchen/heater"), 0); /* no room bound: any */
    assert_int_equal(number_asked(&w, "out/other"), -EACCES);
    assert_int_equal(number_asked(&w, "$SYS/broker"), -EACCES);
    assert_int_equal(number_asked(&w, "open"), -EACCES);
    worker_release(&w);
}

static void what_is_no_topic_name_is_refused(void **unused)
{
    (void)unused;
    struct worker w = start_denied();
    assert_int_equal(number_asked(&w, ""), -EINVAL);
    assert_int_equal(number_asked(&w, "open/+/a"), -EINVAL);
    assert_int_equal(number_asked(&w, "open/a/#"), -EINVAL);
    assert_int_equal(number_asked(&w, "open/\xff/a"), -EINVAL);
    assert_int_equal(number_asked(&w, "open/a/b\n"), -EINVAL); /* MQTT can carry it, mosquitto does not */
    worker_release(&w);
}

static void the_limits_of_the_manifest_hold(void **unused)
{
    (void)unused;
    struct worker w = start_denied();
    assert_int_equal(number_asked(&w, "size 100"), 0);
    assert_int_equal(number_asked(&w, "size 101"), -EMSGSIZE);
    assert_int_equal(number_asked(&w, "count 9"), 0); /* and the reply */
    worker_release(&w);
}

static void an_output_too_many_is_refused(void **unused)
{
    (void)unused;
    struct worker w = start_denied();
    worker_invoke(&w, 1, "in", "count 11");
    for (int i = 0; i < 10; i++)
        worker_expect_publish(&w, 1, "out/denied", "x");
    worker_expect_log(
        &w, 1, 2, "publish to 'out/denied' refused: this call put out `limits.publishes` messages already");
    worker_expect_log(&w, 1, 3, "no reply, and publish returned -105");
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    worker_release(&w);
}

static void what_mqtt_cannot_carry_is_refused(void **unused)
{
    (void)unused;
    struct worker w = start_denied();
    assert_int_equal(number_asked(&w, "message qos"), -EINVAL);
    assert_int_equal(number_asked(&w, "message properties"), -EINVAL);
    assert_int_equal(number_asked(&w, "message utf8"), -EINVAL);
    worker_release(&w);
}

static void outside_of_a_call_nothing_can_be_published(void **unused)
{
    (void)unused;
    struct worker w = start_denied();
    assert_int_equal(number_asked(&w, "outside"), -EPERM);
    worker_release(&w);
}

static void a_name_in_publishes_means_the_captured_level(void **unused)
{
    (void)unused;
    struct worker w = start_denied();
    struct wire_invoke invoke = {
        .captures = {.count = 1, .items = {{slice_of("room"), slice_of("kitchen")}}},
        .message = {.topic = slice_of("in"), .payload = slice_of("home/kitchen/heater")}};
    worker_invoke_with(&w, 1, &invoke);
    worker_expect_publish(&w, 1, "home/kitchen/heater", "x");
    worker_expect_log(&w, 1, 3, "no reply, and publish returned 0");
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    invoke.message.payload = slice_of("home/cellar/heater");
    worker_invoke_with(&w, 2, &invoke);
    worker_expect_log(&w, 2, 2,
                      "publish to 'home/cellar/heater' refused: no pattern of the manifest's `publishes` "
                      "matches it: add it there, as in publishes: [\"home/cellar/heater\"]");
    worker_expect_log(&w, 2, 3, "no reply, and publish returned -13");
    worker_release(&w);
}

static void with_publish_anywhere_there_is_no_list(void **unused)
{
    (void)unused;
    struct worker w = worker_fork("denied", 0);
    struct wire_setup setup = worker_default_setup("denied");
    setup.publish_count = 0;
    setup.publish_anywhere = true;
    worker_send_setup(&w, &setup);
    worker_expect(&w, WIRE_READY, 0);
    assert_int_equal(number_asked(&w, "any/where"), 0);
    assert_int_equal(number_asked(&w, "any/+"), -EINVAL);
    worker_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ZYGOTE(only_the_topics_of_the_manifest_may_be_published_to),
        WITH_ZYGOTE(what_is_no_topic_name_is_refused),
        WITH_ZYGOTE(the_limits_of_the_manifest_hold),
        WITH_ZYGOTE(an_output_too_many_is_refused),
        WITH_ZYGOTE(what_mqtt_cannot_carry_is_refused),
        WITH_ZYGOTE(outside_of_a_call_nothing_can_be_published),
        WITH_ZYGOTE(a_name_in_publishes_means_the_captured_level),
        WITH_ZYGOTE(with_publish_anywhere_there_is_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
