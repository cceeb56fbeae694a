/* retained_test.c: who gets the messages that were retained before, and when they come again. */
#include "support/cleanup.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <string.h>

#define TRIGGERS(list)                                                                                       \
    "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\norder: all\ntriggers:\n" list

#define BOTH    "  - topic: puppet/kept\n  - topic: puppet/do\n"
#define SKIPPED "  - { topic: puppet/kept, retained: skip }\n  - topic: puppet/do\n"

static void keep(struct stage *s, const char *topic, const char *what)
{
    device_publish_message(
        s->phone,
        &(struct message){
            .topic = topic, .payload = what, .payload_len = strlen(what), .qos = 1, .retained = true});
}

static void deploy(struct stage *s, const char *manifest)
{
    hark_install(s->hark, "puppet.so", "puppet.so");
    hark_manifest(s->hark, "puppet", "%s", manifest);
    hark_wait_line(s->hark, "^hark: deployed puppet version=[0-9a-f]{12}");
}

static void came(struct stage *s, size_t times)
{
    stage_still_serves(s); /* all before it is over: order is `all` */
    assert_int_equal(device_count(s->phone, "out/kept"), times);
}

static void a_new_filter_gets_what_was_retained(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    keep(&s, "puppet/kept", "say out/kept x");
    deploy(&s, TRIGGERS(BOTH));
    device_wait(s.phone, "out/kept");
    came(&s, 1);
}

static void a_deploy_with_the_same_filters_replays_nothing(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    keep(&s, "puppet/kept", "say out/kept x");
    deploy(&s, TRIGGERS(BOTH));
    device_wait(s.phone, "out/kept");
    deploy(&s, TRIGGERS(BOTH "config: { a: b }\n"));
    came(&s, 1);
    deploy(&s, TRIGGERS("  - topic: puppet/do\n  - topic: puppet/kept\n")); /* another id */
    came(&s, 1);
}

static void another_qos_replays_nothing(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct stage s = stage_set();
    keep(&s, "puppet/kept", "say out/kept x");
    deploy(&s, TRIGGERS(BOTH));
    device_wait(s.phone, "out/kept");
    deploy(&s, TRIGGERS("  - topic: puppet/do\n  - { topic: puppet/kept, qos: 2 }\n"));
    came(&s, 1);
}

static void a_filter_that_is_added_gets_its_own_and_no_other_is_replayed(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    keep(&s, "puppet/kept", "say out/kept x");
    keep(&s, "puppet/more", "say out/more x");
    deploy(&s, TRIGGERS(BOTH));
    device_wait(s.phone, "out/kept");
    deploy(&s, TRIGGERS(BOTH "  - topic: puppet/more\n"));
    device_wait(s.phone, "out/more");
    came(&s, 1);
    assert_int_equal(device_count(s.phone, "out/more"), 1);
}

static void a_restart_replays_nothing(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    keep(&s, "puppet/kept", "say out/kept x");
    deploy(&s, TRIGGERS(BOTH));
    device_wait(s.phone, "out/kept");
    came(&s, 1);
    assert_int_equal(hark_stop(s.hark), 0);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    came(&s, 1);
}

static void who_skips_gets_none_of_them_but_all_that_come_later(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    keep(&s, "puppet/kept", "say out/kept old");
    deploy(&s, TRIGGERS(SKIPPED));
    came(&s, 0);
    keep(&s, "puppet/kept", "say out/kept new");
    stage_expect(&s, "out/kept", "new");
    came(&s, 1);
}

/* ---- MQTT 3.1.1 has no Retain Handling: each subscription brings all of them ---- */

static void mqtt_3_replays_nothing_to_filters_that_stay(void **unused)
{
    (void)unused;
    struct stage s = stage_set_3_1_1();
    keep(&s, "puppet/kept", "say out/kept x");
    deploy(&s, TRIGGERS(BOTH));
    device_wait(s.phone, "out/kept");
    deploy(&s, TRIGGERS(BOTH "config: { a: b }\n"));
    came(&s, 1);
    deploy(&s, TRIGGERS("  - topic: puppet/do\n  - every: 1h\n  - topic: puppet/kept\n"));
    came(&s, 1);
    assert_int_equal(hark_stop(s.hark), 0);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    came(&s, 1);
}

static void mqtt_3_replays_all_when_the_qos_changes(void **unused)
{
    (void)unused;
    struct stage s = stage_set_3_1_1();
    keep(&s, "puppet/kept", "say out/kept x");
    deploy(&s, TRIGGERS(BOTH));
    device_wait(s.phone, "out/kept");
    came(&s, 1);
    deploy(&s, TRIGGERS("  - topic: puppet/do\n  - { topic: puppet/kept, qos: 0 }\n"));
    device_wait(s.phone, "out/kept");
    came(&s, 2);
}

static void mqtt_3_skips_what_the_broker_sends_all_the_same(void **unused)
{
    (void)unused;
    struct stage s = stage_set_3_1_1();
    keep(&s, "puppet/kept", "say out/kept old");
    deploy(&s, TRIGGERS(SKIPPED));
    came(&s, 0);
    keep(&s, "puppet/kept", "say out/kept new");
    stage_expect(&s, "out/kept", "new");
    came(&s, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_new_filter_gets_what_was_retained),
        system_test(a_deploy_with_the_same_filters_replays_nothing),
        system_test(another_qos_replays_nothing),
        system_test(a_filter_that_is_added_gets_its_own_and_no_other_is_replayed),
        system_test(a_restart_replays_nothing),
        system_test(who_skips_gets_none_of_them_but_all_that_come_later),
        system_test(mqtt_3_replays_nothing_to_filters_that_stay),
        system_test(mqtt_3_replays_all_when_the_qos_changes),
        system_test(mqtt_3_skips_what_the_broker_sends_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
