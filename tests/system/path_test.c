/* path_test.c: the whole path of a message, from a device through a function and back. */
#include "support/cleanup.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <string.h>

static void a_temperature_comes_back_as_a_heater_command(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    device_subscribe(s.phone, "home/+/heater", 2);
    hark_install_example(s.hark, "thermostat");
    hark_wait_line(s.hark, "^hark: deployed thermostat version=[0-9a-f]{12}");
    device_publish(s.phone, "home/kitchen/temperature", "18.0", 1);
    stage_expect(&s, "home/kitchen/heater", "on");
    device_publish(s.phone, "home/attic/temperature", "25.0", 1);
    stage_expect(&s, "home/attic/heater", "off");
}

static void a_request_is_answered_where_it_asked_to_be(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    hark_install_example(s.hark, "calculator");
    hark_wait_line(s.hark, "^hark: deployed calculator version=");
    struct message request = {.topic = "calc/add",
                              .payload = "19 23",
                              .payload_len = 5,
                              .qos = 1,
                              .response_topic = "out/answer",
                              .correlation = "question 7",
                              .correlation_len = 10};
    device_publish_message(s.phone, &request);
    const struct message *answer = device_wait(s.phone, "out/answer");
    assert_string_equal(answer->payload, "42");
    assert_int_equal(answer->correlation_len, 10);
    assert_memory_equal(answer->correlation, "question 7", 10);
}

static void an_alarm_is_kept_for_a_late_subscriber(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    device_subscribe(s.phone, "home/+/alarm", 1);
    hark_install_example(s.hark, "alarm");
    hark_wait_line(s.hark, "^hark: deployed alarm version=");
    device_publish(s.phone, "home/cellar/smoke", "1", 1);
    stage_expect(&s, "home/cellar/alarm", "on");
    struct device *late = device_connect(broker_port(s.broker), "late");
    device_subscribe(late, "home/cellar/alarm", 1);
    const struct message *m = device_wait(late, "home/cellar/alarm");
    assert_string_equal(m->payload, "on");
    assert_true(m->retained);
}

static void a_reply_to_nobody_is_an_error_to_the_function(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_tell(&s, "reply hello; result out/result");
    stage_expect(&s, "out/result", "-89"); /* -EDESTADDRREQ */
}

static void what_is_published_retained_waits_for_a_late_subscriber(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_tell(&s, "keep out/state armed");
    stage_expect(&s, "out/state", "armed");
    struct device *late = device_connect(broker_port(s.broker), "late");
    device_subscribe(late, "out/state", 1);
    const struct message *m = device_wait(late, "out/state");
    assert_string_equal(m->payload, "armed");
    assert_true(m->retained);
}

static void a_trigger_of_any_qos_runs_the_function(void **unused)
{
    (void)unused;
    for (int qos = 0; qos <= 2; qos++) {
        struct stage s = stage_set();
        hark_install(s.hark, "puppet.so", "puppet.so");
        hark_manifest(s.hark, "puppet",
                      "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\n"
                      "triggers: [ { topic: puppet/do, qos: %d } ]\n",
                      qos);
        hark_wait_line(s.hark, "^hark: deployed puppet ");
        for (int sent = 0; sent <= 2; sent++)
            device_publish(s.phone, "puppet/do", "say out/heard yes", sent);
        for (int sent = 0; sent <= 2; sent++)
            stage_expect(&s, "out/heard", "yes");
        end_of_test(NULL);
    }
}

/* The listener speaks 3.1.1: to a listener of MQTT 5 mosquitto 2.0.11 sends more QoS 2 messages than its
 * Receive Maximum allows, and libmosquitto 2.0.11 then leaves (docs/mqtt-client.md). */
static void outputs_of_qos_2_arrive_once_and_at_qos_2(void **unused)
{
    enum { OUTPUTS = 200 };
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    struct device *exact = device_connect_with(
        &(struct device_options){.port = broker_port(s.broker), .id = "exact", .is_v311 = true});
    device_subscribe(exact, "out/exact", 2);
    device_disconnect(s.phone);
    s.phone = device_connect(broker_port(s.broker), "teller");
    for (int i = 0; i < OUTPUTS; i++)
        stage_tell(&s, "say2 out/exact once");
    for (int i = 0; i < OUTPUTS; i++)
        assert_int_equal(device_wait(exact, "out/exact")->qos, 2);
    device_subscribe(s.phone, "out/#", 2);
    stage_still_serves(&s);
    assert_int_equal(device_count(exact, "out/exact"), OUTPUTS);
}

static void a_leading_wildcard_hears_no_topic_of_the_brokers_own(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(s.hark, "puppet",
                  "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\n"
                  "triggers: [ { topic: \"+/do\" } ]\n");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    device_publish(s.phone, "$own/do", "say out/heard wrong", 1);
    device_publish(s.phone, "any/do", "say out/heard right", 1);
    stage_expect(&s, "out/heard", "right");
    assert_int_equal(device_count(s.phone, "out/heard"), 1);
}

static void two_functions_of_one_folder_hear_one_message(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    hark_install(s.hark, "echo.so", "echo.so");
    hark_manifest(s.hark, "echo",
                  "function: echo\nhandler: echo.so\npublishes: [ echo/out ]\n"
                  "triggers: [ { topic: \"puppet/#\" } ]\n");
    hark_wait_line(s.hark, "^hark: deployed echo ");
    device_subscribe(s.phone, "echo/out", 1);
    stage_tell(&s, "say out/heard by the puppet");
    stage_expect(&s, "out/heard", "by the puppet");
    stage_expect(&s, "echo/out", "say out/heard by the puppet one");
}

static void properties_come_back_only_when_the_function_sends_them(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    struct message order = {.topic = "puppet/do",
                            .payload = "say out/plain text",
                            .payload_len = 18,
                            .qos = 1,
                            .content_type = "text/plain",
                            .property_count = 1,
                            .keys = {"colour"},
                            .values = {"blue"}};
    device_publish_message(s.phone, &order);
    const struct message *m = device_wait(s.phone, "out/plain");
    assert_null(m->content_type);
    assert_null(message_property(m, "colour"));
}

static void a_device_of_mqtt_3_reaches_a_function_too(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    struct device *old = device_connect_with(
        &(struct device_options){.port = broker_port(s.broker), .id = "old", .is_v311 = true});
    device_subscribe(old, "out/#", 1);
    device_publish(old, "puppet/do", "say out/heard old", 1);
    device_expect(old, "out/heard", "old");
}

static void sigterm_drains_and_ends_with_0(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    for (int i = 0; i < 20; i++)
        stage_tell(&s, "say out/counted yes");
    stage_expect(&s, "out/counted", "yes");
    assert_int_equal(hark_stop(s.hark), 0);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    for (int i = 1; i < 20; i++)
        stage_expect(&s, "out/counted", "yes");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/counted"), 20);
}

/* b is answered while both of a have not ended; its acknowledgement has to wait for theirs. */
static void a_stop_makes_nothing_run_twice(void **unused)
{
    (void)unused;
    need_of_broker("window");
    struct stage s = stage_set();
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(s.hark, "puppet",
                  "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\ninstances: { max: 2 }\n"
                  "triggers: [ { topic: \"puppet/#\" } ]\n");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    device_publish(s.phone, "puppet/a", "log begun; work 500; say out/a first", 1);
    device_publish(s.phone, "puppet/a", "say out/a second", 1);
    hark_wait_line(s.hark, "function=puppet worker=[0-9]+ begun");
    device_publish(s.phone, "puppet/b", "say out/b once", 1);
    stage_expect(&s, "out/b", "once");
    assert_int_equal(device_count(s.phone, "out/a"), 0);
    assert_int_equal(hark_stop(s.hark), 0);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    device_publish(s.phone, "puppet/a", "say out/a last", 1);
    device_publish(s.phone, "puppet/b", "say out/b last", 1);
    stage_expect(&s, "out/a", "first");
    stage_expect(&s, "out/a", "second");
    stage_expect(&s, "out/a", "last");
    stage_expect(&s, "out/b", "last");
}

static void what_was_sent_while_hark_was_away_is_handled_when_it_is_back(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    assert_int_equal(hark_stop(s.hark), 0);
    stage_tell(&s, "say out/queued yes");
    hark_start(s.hark);
    stage_expect(&s, "out/queued", "yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_temperature_comes_back_as_a_heater_command),
        system_test(a_request_is_answered_where_it_asked_to_be),
        system_test(an_alarm_is_kept_for_a_late_subscriber),
        system_test(a_reply_to_nobody_is_an_error_to_the_function),
        system_test(what_is_published_retained_waits_for_a_late_subscriber),
        system_test(a_trigger_of_any_qos_runs_the_function),
        system_test(outputs_of_qos_2_arrive_once_and_at_qos_2),
        system_test(a_leading_wildcard_hears_no_topic_of_the_brokers_own),
        system_test(two_functions_of_one_folder_hear_one_message),
        system_test(properties_come_back_only_when_the_function_sends_them),
        system_test(a_device_of_mqtt_3_reaches_a_function_too),
        system_test(sigterm_drains_and_ends_with_0),
        system_test(a_stop_makes_nothing_run_twice),
        system_test(what_was_sent_while_hark_was_away_is_handled_when_it_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
