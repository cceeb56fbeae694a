/* What runs a function: shared topics and timers as a manifest writes them, and the whole line for each
 * fault. */
#include "manifest_says.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Each line of the list of triggers is the third and after. */
#define BEGIN "function: f\nhandler: f.so\ntriggers:\n"

static void a_share_has_a_name_of_one_level(void **unused)
{
    (void)unused;
#define SHARE_RULE                                                                                           \
    "triggers[].share: a share's name has no / + # in it (MQTT-4.8.2-1): write for instance heating"
    REFUSED(LEAST "    share: a/b\n", "m.yaml:5:12: " SHARE_RULE);
    REFUSED(LEAST "    share: +\n", "m.yaml:5:12: " SHARE_RULE);
    REFUSED(LEAST "    share: a#\n", "m.yaml:5:12: " SHARE_RULE);
    REFUSED(LEAST "    share: \"\"\n",
            "m.yaml:5:12: triggers[].share is empty: write for instance share: heating");
    REFUSED(
        "function: f\nhandler: f.so\ntriggers: [ { topic: $share/heating/a } ]\n",
        "m.yaml:3:22: triggers[].topic: '$share/...' is written as two keys: write share: NAME beside the "
        "topic without $share/NAME/");
}

static void a_share_that_wants_retained_messages_is_told_that_none_come(void **unused)
{
    (void)unused;
    REFUSED(LEAST "    share: heating\n    retained: deliver\n",
            "m.yaml:6:15: triggers[].retained: brokers send no retained messages to a shared subscription "
            "(MQTT 5, 4.8.2): leave it out, or write skip");
    manifest_free(accepted(LEAST "    share: heating\n    retained: skip\n"));
    manifest_free(accepted(LEAST "    share: heating\n"));
}

static void timers_arrive_with_a_name(void **unused)
{
    (void)unused;
    struct manifest *m = accepted(BEGIN "  - every: 90s\n"
                                        "  - topic: a\n"
                                        "  - { cron: \"0 6 * * mon-fri\", timezone: Europe/Berlin }\n"
                                        "  - { cron: \"@daily\", timezone: UTC }\n"
                                        "  - every: 86400000ms\n");
    const struct manifest_trigger *t = m->triggers;
    assert_int_equal(m->trigger_count, 5);
    assert_int_equal(t[0].every_ns, 90000000000);
    assert_string_equal(t[0].timer, "every 90s");
    assert_true(!t[0].topic && !t[0].cron_text);
    assert_true(!t[1].timer && t[1].every_ns == 0 && !t[1].cron_text);
    assert_string_equal(t[2].timer, "cron 0 6 * * mon-fri Europe/Berlin");
    assert_string_equal(t[2].timezone, "Europe/Berlin");
    assert_int_equal(t[2].timezone_line, 6);
    assert_int_equal(t[2].timezone_column, 42);
    assert_int_equal(t[2].cron.weekdays, 0x3e);
    assert_null(t[2].zone);
    assert_string_equal(t[3].timer, "cron @daily");
    assert_null(t[3].timezone);
    assert_string_equal(t[4].timer, "every 1d");
    manifest_free(m);
}

static void a_trigger_is_of_one_kind(void **unused)
{
    (void)unused;
    REFUSED(BEGIN "  - qos: 1\n",
            "m.yaml:4:5: one of topic, every and cron is missing: write for instance topic: "
            "home/{room}/temperature");
    REFUSED(LEAST "    every: 30s\n",
            "m.yaml:5:5: triggers[].every: there is topic already: write one of topic, every and cron");
    REFUSED(BEGIN "  - cron: \"@daily\"\n    every: 30s\n",
            "m.yaml:4:5: triggers[].cron: there is every already: write one of topic, every and cron");
    REFUSED(BEGIN "  - evrey: 30s\n", "m.yaml:4:5: unknown key 'evrey': did you mean 'every'?");
}

static void a_timer_has_nothing_of_a_subscription(void **unused)
{
    (void)unused;
    REFUSED(BEGIN "  - every: 30s\n    qos: 1\n    share: a\n",
            "m.yaml:5:5: triggers[].qos: a timer has no subscription: leave it out",
            "m.yaml:6:5: triggers[].share: a timer has no subscription: leave it out");
    REFUSED(BEGIN "  - cron: \"@daily\"\n    retained: skip\n",
            "m.yaml:5:5: triggers[].retained: a timer has no subscription: leave it out");
}

static void a_time_zone_belongs_to_a_cron(void **unused)
{
    (void)unused;
    REFUSED(BEGIN "  - every: 30s\n    timezone: Europe/Berlin\n",
            "m.yaml:5:5: triggers[].timezone: only cron goes by a clock on the wall: leave it out");
    REFUSED(LEAST "    timezone: UTC\n",
            "m.yaml:5:5: triggers[].timezone: only cron goes by a clock on the wall: leave it out");
}

static void every_has_bounds(void **unused)
{
    (void)unused;
    REFUSED(BEGIN "  - every: 99ms\n",
            "m.yaml:4:12: triggers[].every: '99ms' is out of bounds: write 100ms to 365d");
    REFUSED(BEGIN "  - every: 366d\n",
            "m.yaml:4:12: triggers[].every: '366d' is out of bounds: write 100ms to 365d");
    REFUSED(BEGIN "  - every: 0s\n",
            "m.yaml:4:12: triggers[].every: '0s' is out of bounds: write 100ms to 365d");
    manifest_free(accepted(BEGIN "  - every: 100ms\n  - every: 365d\n"));
}

static void a_bad_cron_is_pointed_at(void **unused)
{
    (void)unused;
    REFUSED(BEGIN "  - cron: 0 25 * * *\n", "m.yaml:4:13: triggers[].cron: '25' is no hour: write 0 to 23");
    REFUSED(
        BEGIN "  - cron: \"0 6 * * mo\"\n",
        "m.yaml:4:20: triggers[].cron: 'mo' is no day of the week: write 0 to 7, or a name of three letters");
    REFUSED(BEGIN "  - cron: \"\"\n",
            "m.yaml:4:11: triggers[].cron is empty: write for instance cron: \"0 6 * * *\"");
    REFUSED(BEGIN "  - cron: [ 1 ]\n",
            "m.yaml:4:11: triggers[].cron: expected a text, found a list: write for "
            "instance cron: \"0 6 * * *\"");
}

static void a_time_zone_is_no_path(void **unused)
{
    (void)unused;
#define ZONE_RULE                                                                                            \
    "m.yaml:4:33: triggers[].timezone: not a time zone's name: write one of tzdata's, for instance "         \
    "Europe/Berlin"
    REFUSED(BEGIN "  - { cron: \"@daily\", timezone: ../../etc/passwd }\n", ZONE_RULE);
    REFUSED(BEGIN "  - { cron: \"@daily\", timezone: /etc/localtime }\n", ZONE_RULE);
    REFUSED(BEGIN "  - { cron: \"@daily\", timezone: \"Europe/Berlin \" }\n", ZONE_RULE);
}

static void twins_are_refused(void **unused)
{
    (void)unused;
    REFUSED(BEGIN "  - every: 60s\n  - topic: a\n  - every: 1m\n",
            "m.yaml:6:5: triggers: the same timer as trigger 1: leave one of them out");
    REFUSED(BEGIN "  - cron: \"0 6 * * *\"\n  - { cron: \"0 6 * * *\", timezone: UTC }\n",
            "m.yaml:5:5: triggers: the same timer as trigger 1: leave one of them out");
    manifest_free(accepted(BEGIN "  - cron: \"@daily\"\n  - { cron: \"@daily\", timezone: Asia/Tokyo }\n"));
}

static void order_by_a_name_asks_topics_only(void **unused)
{
    (void)unused;
    manifest_free(accepted(LEAST "  - every: 30s\norder: {room}\n"));
    REFUSED(BEGIN "  - every: 30s\norder: {room}\n",
            "m.yaml:5:8: order: a timer has no level {room}: write order: topic");
}

static void what_a_timer_publishes_has_names_of_topics_only(void **unused)
{
    (void)unused;
    REFUSED(BEGIN "  - every: 30s\npublishes: [ \"home/{room}/heater\" ]\n",
            "m.yaml:5:20: publishes: no trigger captures {room}: write + for any level, or write {room} in a "
            "trigger's topic");
    manifest_free(accepted(LEAST "  - every: 30s\npublishes: [ \"home/{room}/heater\" ]\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_has_a_name_of_one_level),
        cmocka_unit_test(a_share_that_wants_retained_messages_is_told_that_none_come),
        cmocka_unit_test(timers_arrive_with_a_name),
        cmocka_unit_test(a_trigger_is_of_one_kind),
        cmocka_unit_test(a_timer_has_nothing_of_a_subscription),
        cmocka_unit_test(a_time_zone_belongs_to_a_cron),
        cmocka_unit_test(every_has_bounds),
        cmocka_unit_test(a_bad_cron_is_pointed_at),
        cmocka_unit_test(a_time_zone_is_no_path),
        cmocka_unit_test(twins_are_refused),
        cmocka_unit_test(order_by_a_name_asks_topics_only),
        cmocka_unit_test(what_a_timer_publishes_has_names_of_topics_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
