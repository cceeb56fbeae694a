/* loop_test.c: functions that trigger each other go round 16 times, and nobody else notices. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void deploy(struct stage *s, const char *name, const char *from, const char *to, const char *more)
{
    char line[64];
    hark_manifest(s->hark, name,
                  "function: %s\nhandler: pass_on.so\ntriggers: [ { topic: \"%s\" } ]\n"
                  "publishes: [ %s ]\nconfig: { to: %s }\n%s",
                  name, from, to, to, more);
    snprintf(line, sizeof line, "^hark: deployed %s ", name);
    hark_wait_line(s->hark, line);
}

static struct stage stage_with_a_ring(void)
{
    struct stage s = stage_set();
    hark_install(s.hark, "pass_on.so", "pass_on.so");
    device_subscribe(s.phone, "ring/#", 1);
    deploy(&s, "ping", "ring/a", "ring/b", "");
    deploy(&s, "pong", "ring/b", "ring/a", "");
    return s;
}

static void publish_with_hops(struct stage *s, const char *topic, const char *first, const char *second)
{
    const struct message m = {.topic = topic,
                              .payload = "x",
                              .payload_len = 1,
                              .qos = 1,
                              .property_count = second ? 2 : 1,
                              .keys = {"hark-hops", "hark-hops"},
                              .values = {first, second}};
    device_publish_message(s->phone, &m);
}

static void a_circle_ends_after_16_functions(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct stage s = stage_with_a_ring();
    device_publish(s.phone, "ring/a", "round", 1);
    device_expect(s.phone, "ring/a", "round");
    for (int i = 1; i <= 16; i++) {
        char hops[8];
        const struct message *m = device_wait(s.phone, i % 2 ? "ring/b" : "ring/a");
        snprintf(hops, sizeof hops, "%d", i);
        assert_string_equal(message_property(m, "hark-hops"), hops);
        assert_string_equal(message_property(m, "colour"), "blue");
        assert_null(message_property(m, "hark-error"));
    }
    const struct message *dead = device_wait(s.phone, "hark/dead/#");
    assert_string_equal(dead->topic, "hark/dead/ping");
    assert_string_equal(dead->payload, "round");
    assert_string_equal(message_property(dead, "hark-topic"), "ring/a");
    assert_string_equal(message_property(dead, "hark-hops"), "17");
    assert_non_null(strstr(message_property(dead, "hark-reason"),
                           "loop: came through 16 functions: ping -> pong (ring/b) -> ping (ring/a)"));
    assert_int_equal(device_count(s.phone, "ring/#"), 17);
}

static void a_deploy_that_closes_a_circle_names_it(void **unused)
{
    (void)unused;
    struct stage s = stage_with_a_ring();
    hark_wait_line(s.hark,
                   "^hark: warning: function=pong loop: pong -> ping \\(ring/a\\) -> pong \\(ring/b\\)");
    assert_int_equal(hark_count_lines(s.hark, "function=ping loop: "), 0);
}

/* Rounds without end would be told as often; a circle that ends is told once a second. */
static void what_came_round_is_counted_and_said_once_a_second(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    enum { ROUNDS = 20 };
    struct stage s = stage_with_a_ring();
    for (int i = 0; i < ROUNDS; i++)
        device_publish(s.phone, "ring/a", "round", 1);
    for (int i = 0; i < ROUNDS; i++)
        device_wait(s.phone, "hark/dead/ping");
    size_t said = 0;
    while (said < ROUNDS) {
        const char *line =
            hark_wait_line(s.hark, "^hark: error: function=ping [0-9]+ messages? came through 16 functions");
        said += strtoul(strstr(line, "ping ") + 5, NULL, 10);
    }
    assert_int_equal(said, ROUNDS);
    assert_in_range(hark_count_lines(s.hark, "came through 16 functions"), 1, ROUNDS / 2);
}

static void others_are_not_disturbed(void **unused)
{
    (void)unused;
    struct stage s = stage_with_a_ring();
    stage_puppet(&s, "");
    for (int i = 0; i < 10; i++)
        device_publish(s.phone, "ring/a", "round", 1);
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "hark/dead/puppet"), 0);
}

static void a_device_may_say_what_it_likes(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    hark_install(s.hark, "pass_on.so", "pass_on.so");
    deploy(&s, "once", "do/it", "out/it", "");
    static const struct {
        const char *first, *second, *next; /* next NULL: not run */
    } cases[] = {{"garbage", NULL, "1"},
                 {"-3", NULL, "1"},
                 {"", NULL, "1"},
                 {"15", NULL, "16"},
                 {"2", "7", "8"},
                 {"16", NULL, NULL},
                 {"999999999999999999999999", NULL, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        publish_with_hops(&s, "do/it", cases[i].first, cases[i].second);
        const struct message *m = device_wait(s.phone, cases[i].next ? "out/it" : "hark/dead/once");
        if (cases[i].next)
            assert_string_equal(message_property(m, "hark-hops"), cases[i].next);
    }
    assert_int_equal(device_count(s.phone, "out/it"), 5);
    assert_int_equal(device_count(s.phone, "hark/dead/once"), 2);
}

static void a_tick_begins_at_0(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct stage s = stage_set();
    hark_install(s.hark, "pass_on.so", "pass_on.so");
    hark_manifest(s.hark, "clock", "%s",
                  "function: clock\nhandler: pass_on.so\ntriggers: [ { every: 100ms } ]\n"
                  "publishes: [ out/it ]\nconfig: { to: out/it }\n");
    assert_string_equal(message_property(device_wait(s.phone, "out/it"), "hark-hops"), "1");
}

/* Its own dead letter would trigger it again, for ever. */
static void a_dead_letter_that_goes_round_ends_too(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct stage s = stage_set();
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(
        s.hark, "puppet", "%s",
        "function: puppet\nhandler: puppet.so\nretry: { attempts: 1 }\n"
        "triggers: [ { topic: puppet/do }, { topic: \"hark/dead/#\" } ]\npublishes: [ \"out/#\" ]\n");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    device_publish(s.phone, "puppet/do", "reject", 1);
    for (int i = 0; i < 16; i++)
        assert_string_equal(device_wait(s.phone, "hark/dead/puppet")->payload, "reject");
    hark_wait_line(s.hark, "function=puppet 1 message came through 16 functions");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "hark/dead/puppet"), 16);
    assert_int_equal(hark_stop(s.hark), 0); /* what it was about to keep is kept */
    struct outcome o =
        hark_command("dead", "list", "--state", s.hark->state, "--node", TEST_NODE, "--function", "puppet");
    assert_non_null(strstr(o.out, "  loop  0  hark/dead/puppet  6\n")); /* the last is kept, not published */
}

/* It has no hops to count: what comes to a function as its own dead letter goes no further. */
static void a_dead_letter_of_mqtt_3_does_not_come_round_twice(void **unused)
{
    (void)unused;
    struct stage s = stage_set_3_1_1();
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(
        s.hark, "puppet", "%s",
        "function: puppet\nhandler: puppet.so\nretry: { attempts: 1 }\n"
        "triggers: [ { topic: puppet/do }, { topic: \"hark/dead/#\" } ]\npublishes: [ \"out/#\" ]\n");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    device_publish(s.phone, "puppet/do", "reject", 1);
    device_expect(s.phone, "hark/dead/puppet", "reject");
    hark_wait_line(
        s.hark,
        "a message on hark/dead/puppet is given up after 1 attempt: rejected; it was a dead letter of "
        "this function already: kept on this machine alone");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "hark/dead/puppet"), 1);
    assert_int_equal(hark_stop(s.hark), 0);
    struct outcome o =
        hark_command("dead", "list", "--state", s.hark->state, "--node", TEST_NODE, "--function", "puppet");
    assert_non_null(strstr(o.out, "  reject  1  puppet/do  6\n"));
    assert_non_null(strstr(o.out, "  reject  1  hark/dead/puppet  6\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_circle_ends_after_16_functions),
        system_test(a_deploy_that_closes_a_circle_names_it),
        system_test(what_came_round_is_counted_and_said_once_a_second),
        system_test(others_are_not_disturbed),
        system_test(a_device_may_say_what_it_likes),
        system_test(a_tick_begins_at_0),
        system_test(a_dead_letter_that_goes_round_ends_too),
        system_test(a_dead_letter_of_mqtt_3_does_not_come_round_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
