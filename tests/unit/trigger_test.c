#include "dispatcher/trigger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct manifest_trigger triggers[4];
static struct manifest manifest;
static struct mqtt_message message;
static struct topic_captures captures;

static int nothing_yet(void **unused)
{
    (void)unused;
    manifest = (struct manifest){.triggers = triggers, .order = ORDER_TOPIC};
    message = (struct mqtt_message){.qos = 1};
    captures = (struct topic_captures){0};
    return 0;
}

static void given_a_trigger(const char *topic)
{
    triggers[manifest.trigger_count++] =
        (struct manifest_trigger){.topic = (char *)(uintptr_t)topic, .qos = 1, .retained = true};
}

static void given_a_message_on(const char *topic)
{
    message.topic = slice_of(topic);
}

static void sent_for_subscription(uint32_t id)
{
    message.subscription_ids[message.subscription_id_count++] = id;
}

static void trigger_is(const struct manifest_trigger *expected)
{
    assert_ptr_equal(trigger_find(&manifest, &message, &captures), expected);
}

static void capture_is(size_t index, const char *name, const char *value)
{
    assert_in_range(index, 0, captures.count - 1);
    assert_true(slice_equal(captures.items[index].name, slice_of(name)));
    assert_true(slice_equal(captures.items[index].value, slice_of(value)));
}

static void key_is(const char *expected)
{
    assert_true(slice_equal(trigger_order_key(&manifest, &message), slice_of(expected)));
}

static void the_first_match_fires_without_a_subscription_id(void **unused)
{
    (void)unused;
    given_a_trigger("garden/#");
    given_a_trigger("home/{room}/temperature");
    given_a_trigger("home/#");
    given_a_message_on("home/attic/temperature");
    trigger_is(&triggers[1]);
    assert_int_equal(captures.count, 1);
    capture_is(0, "room", "attic");
}

static void of_overlapping_triggers_the_subscription_id_chooses(void **unused)
{
    (void)unused;
    given_a_trigger("home/{room}/temperature");
    given_a_trigger("{house}/attic/#");
    given_a_message_on("home/attic/temperature");
    sent_for_subscription(2);
    trigger_is(&triggers[1]);
    capture_is(0, "house", "home");
    message.subscription_ids[0] = 1;
    trigger_is(&triggers[0]);
    capture_is(0, "room", "attic");
}

static void an_id_of_a_trigger_that_does_not_match_is_not_believed(void **unused)
{
    (void)unused;
    given_a_trigger("garden/#");
    given_a_trigger("home/{room}");
    given_a_message_on("home/attic");
    sent_for_subscription(1);
    trigger_is(&triggers[1]);
    capture_is(0, "room", "attic");
}

static void ids_that_name_no_trigger_are_skipped(void **unused)
{
    (void)unused;
    given_a_trigger("a/+");
    given_a_trigger("a/#");
    given_a_message_on("a/b");
    sent_for_subscription(0);
    sent_for_subscription(3);
    sent_for_subscription(UINT32_MAX);
    trigger_is(&triggers[0]);
    sent_for_subscription(2);
    trigger_is(&triggers[1]);
}

static void the_first_of_several_ids_that_matches_fires(void **unused)
{
    (void)unused;
    given_a_trigger("a/#");
    given_a_trigger("b/#");
    given_a_trigger("a/+");
    given_a_message_on("a/b");
    sent_for_subscription(2);
    sent_for_subscription(3);
    sent_for_subscription(1);
    trigger_is(&triggers[2]);
}

static void what_nothing_matches_fires_nothing(void **unused)
{
    (void)unused;
    given_a_trigger("a/+");
    given_a_trigger("#");
    given_a_message_on("$SYS/broker/uptime");
    sent_for_subscription(2);
    trigger_is(NULL);
}

static void the_default_order_goes_by_topic(void **unused)
{
    (void)unused;
    given_a_trigger("a/#");
    given_a_message_on("a/b/c");
    key_is("a/b/c");
}

static void order_all_has_one_key_that_is_present(void **unused)
{
    (void)unused;
    manifest.order = ORDER_ALL;
    given_a_trigger("a/#");
    given_a_message_on("a/b/c");
    struct slice first = trigger_order_key(&manifest, &message);
    given_a_message_on("a/d");
    assert_non_null(first.data);
    assert_true(slice_equal(trigger_order_key(&manifest, &message), first));
}

static void order_none_has_no_key(void **unused)
{
    (void)unused;
    manifest.order = ORDER_NONE;
    given_a_trigger("a/#");
    given_a_message_on("a/b/c");
    assert_null(trigger_order_key(&manifest, &message).data);
}

static void order_by_capture_joins_the_topics_of_one_value(void **unused)
{
    (void)unused;
    manifest.order = ORDER_CAPTURE;
    manifest.order_capture = (char[]){"room"};
    given_a_trigger("home/{room}/temperature");
    given_a_trigger("{floor}/{room}/humidity");
    given_a_message_on("home/attic/temperature");
    key_is("attic");
    given_a_message_on("third/attic/humidity");
    key_is("attic");
    given_a_message_on("home//temperature");
    key_is("");
    given_a_message_on("elsewhere");
    assert_null(trigger_order_key(&manifest, &message).data);
}

static void filters_have_plus_for_names_and_an_id_each(void **unused)
{
    (void)unused;
    struct mqtt_filter filters[MANIFEST_TRIGGERS_MAX];
    char *memory = NULL;
    given_a_trigger("home/{room}/temperature");
    given_a_trigger("{a}/{b}/#");
    given_a_trigger("plain");
    triggers[1].qos = 2;
    triggers[2].qos = 0;
    triggers[2].retained = false;
    assert_int_equal(trigger_filters(&manifest, filters, &memory), 3);
    assert_true(slice_equal(filters[0].filter, slice_of("home/+/temperature")));
    assert_true(slice_equal(filters[1].filter, slice_of("+/+/#")));
    assert_true(slice_equal(filters[2].filter, slice_of("plain")));
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(filters[i].subscription_id, i + 1);
        assert_int_equal(filters[i].qos, triggers[i].qos);
        assert_int_equal(filters[i].want_retained, triggers[i].retained);
    }
    free(memory);
}

static void a_shared_filter_has_the_name_in_front_and_asks_for_nothing_retained(void **unused)
{
    (void)unused;
    struct mqtt_filter filters[MANIFEST_TRIGGERS_MAX];
    char *memory = NULL;
    given_a_trigger("home/{room}/temperature");
    given_a_trigger("garden/#");
    triggers[0].share = (char[]){"heating"};
    assert_int_equal(trigger_filters(&manifest, filters, &memory), 2);
    assert_true(slice_equal(filters[0].filter, slice_of("$share/heating/home/+/temperature")));
    assert_true(slice_equal(filters[1].filter, slice_of("garden/#")));
    assert_false(filters[0].want_retained);
    assert_true(filters[1].want_retained);
    free(memory);
}

static void a_message_of_a_shared_trigger_is_matched_by_its_own_topic(void **unused)
{
    (void)unused;
    given_a_trigger("home/{room}/temperature");
    triggers[0].share = (char[]){"heating"};
    given_a_message_on("home/attic/temperature");
    sent_for_subscription(1);
    trigger_is(&triggers[0]);
    capture_is(0, "room", "attic");
}

static void given_a_timer(const char *name)
{
    triggers[manifest.trigger_count++] = (struct manifest_trigger){.timer = (char *)(uintptr_t)name};
}

static void timers_have_no_filter_and_leave_the_others_their_ids(void **unused)
{
    (void)unused;
    struct mqtt_filter filters[MANIFEST_TRIGGERS_MAX];
    char *memory = NULL;
    given_a_timer("every 30s");
    given_a_trigger("a/{b}");
    assert_int_equal(trigger_filters(&manifest, filters, &memory), 1);
    assert_true(slice_equal(filters[0].filter, slice_of("a/+")));
    assert_int_equal(filters[0].subscription_id, 2);
    free(memory);
    given_a_message_on("a/b");
    sent_for_subscription(1);
    trigger_is(&triggers[1]);
}

static void a_timer_is_found_by_its_name(void **unused)
{
    (void)unused;
    given_a_trigger("every 30s");
    given_a_timer("every 1m");
    given_a_timer("every 30s");
    assert_ptr_equal(trigger_find_timer(&manifest, "every 30s"), &triggers[2]);
    assert_null(trigger_find_timer(&manifest, "every 90s"));
}

static void a_tick_waits_for_others_only_where_all_do(void **unused)
{
    (void)unused;
    given_a_timer("every 30s");
    given_a_trigger("home/{room}");
    manifest.order_capture = (char[]){"room"};
    for (enum manifest_order order = ORDER_NONE; order <= ORDER_ALL; order++) {
        manifest.order = order;
        assert_true((trigger_order_key(&manifest, &message).data != NULL) == (order == ORDER_ALL));
    }
}

#define TRIGGER_TEST(test) cmocka_unit_test_setup(test, nothing_yet)

static void is_recalled(const char *pattern, const char *topic)
{
    struct manifest_trigger trigger = {.topic = (char *)(uintptr_t)pattern};
    struct slice name = slice_of(topic);
    struct topic_captures found, recalled;
    assert_true(topic_match(slice_of(pattern), name, &found));
    struct trigger_note note = trigger_note(&trigger, name, &found);
    trigger_recall(&note, name, &recalled);
    assert_int_equal(recalled.count, found.count);
    for (size_t i = 0; i < found.count; i++) {
        assert_true(slice_equal(recalled.items[i].name, found.items[i].name));
        assert_true(slice_equal(recalled.items[i].value, found.items[i].value));
    }
}

static void a_note_recalls_what_was_captured(void **unused)
{
    (void)unused;
    is_recalled("home/heater", "home/heater");
    is_recalled("home/{room}/{thing}", "home/attic/");
    is_recalled("{a}/{b}/{c}/{d}/#", "1/22//4444/x");
    char pattern[] = "{the_name_of_a_level_is_so_long_x}/+", topic[TOPIC_MAX];
    memset(topic, 'x', sizeof topic - 2);
    memcpy(topic + sizeof topic - 3, "/y", 3);
    is_recalled(pattern, topic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRIGGER_TEST(the_first_match_fires_without_a_subscription_id),
        TRIGGER_TEST(of_overlapping_triggers_the_subscription_id_chooses),
        TRIGGER_TEST(an_id_of_a_trigger_that_does_not_match_is_not_believed),
        TRIGGER_TEST(ids_that_name_no_trigger_are_skipped),
        TRIGGER_TEST(the_first_of_several_ids_that_matches_fires),
        TRIGGER_TEST(what_nothing_matches_fires_nothing),
        TRIGGER_TEST(the_default_order_goes_by_topic),
        TRIGGER_TEST(order_all_has_one_key_that_is_present),
        TRIGGER_TEST(order_none_has_no_key),
        TRIGGER_TEST(order_by_capture_joins_the_topics_of_one_value),
        TRIGGER_TEST(filters_have_plus_for_names_and_an_id_each),
        TRIGGER_TEST(a_shared_filter_has_the_name_in_front_and_asks_for_nothing_retained),
        TRIGGER_TEST(timers_have_no_filter_and_leave_the_others_their_ids),
        TRIGGER_TEST(a_note_recalls_what_was_captured),
        TRIGGER_TEST(a_timer_is_found_by_its_name),
        TRIGGER_TEST(a_tick_waits_for_others_only_where_all_do),
        TRIGGER_TEST(a_message_of_a_shared_trigger_is_matched_by_its_own_topic),
    };
    return cmocka_run_group_tests_name("trigger", tests, NULL, NULL);
}
