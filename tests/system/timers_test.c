/* timers_test.c: functions that a clock runs. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TICK_MS = 100, SLOW_TICKS = 3, DEPLOYS = 12, AWAY_TICKS = 5, QUEUE = 3 };

#define TIMER_MANIFEST                                                                                       \
    "function: puppet\n"                                                                                     \
    "handler: puppet.so\n"                                                                                   \
    "publishes: [ \"out/#\" ]\n"

/* Every 100 ms, the puppet does that. */
#define EVERY_100_MS(what) TIMER_MANIFEST "triggers: [ { every: 100ms } ]\nconfig: { tick: \"" what "\" }\n"

static void deploy(struct hark *h, const char *manifest)
{
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", "%s", manifest);
    hark_wait_line(h, "^hark: deployed puppet version=[0-9a-f]{12}");
}

static void a_tick_is_a_message_without_a_topic_that_names_its_timer(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("trigger out/trigger"));
    stage_expect(&s, "out/trigger", "every 100ms");
    stage_expect(&s, "out/trigger", "every 100ms");
}

static void topics_and_timers_live_in_one_function(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, TIMER_MANIFEST "triggers: [ { every: 200ms }, { topic: puppet/do }, { every: 100ms } ]\n"
                                  "order: all\nconfig: { tick: \"trigger out/trigger\" }\n");
    stage_tell(&s, "trigger out/topic");
    stage_expect(&s, "out/topic", "puppet/do");
    while (strcmp(device_wait(s.phone, "out/trigger")->payload, "every 200ms") != 0) {
    }
    while (strcmp(device_wait(s.phone, "out/trigger")->payload, "every 100ms") != 0) {
    }
}

static void nobody_waits_for_the_reply_to_a_tick(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("reply nobody; result out/result"));
    char expected[16];
    snprintf(expected, sizeof expected, "%d", -EDESTADDRREQ);
    stage_expect(&s, "out/result", expected);
}

/* At most one of a timer is waiting or at work, though there are four workers. */
static void a_slow_function_skips_ticks_and_hark_says_so_once_a_second(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    uint64_t begin_ns = clock_now_ns();
    deploy(s.hark, EVERY_100_MS("work 350; count out/count") "instances: { max: 4 }\norder: none\n");
    const char *said = "^hark: warning: function=puppet skipped [0-9]+ ticks .* not over";
    for (int i = 0; i < SLOW_TICKS; i++)
        hark_wait_line(s.hark, said);
    size_t lines = hark_count_lines(s.hark, said), ticks = device_count(s.phone, "out/count");
    uint64_t took_ms = (clock_now_ns() - begin_ns) / NS_PER_MS;
    assert_in_range(lines, SLOW_TICKS, took_ms / 1000 + 1);
    assert_in_range(ticks, 1, took_ms / 350 + 1);
}

static void a_tick_that_fails_is_tried_again_and_becomes_a_dead_letter(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("retry") "retry: { attempts: 2, backoff: 10ms }\n");
    const struct message *dead = device_wait(s.phone, "hark/dead/puppet");
    assert_int_equal(dead->payload_len, 0);
    stage_died_of(&s, dead, "retry: attempts used up");
    device_wait(s.phone, "hark/dead/puppet"); /* it goes on */
}

static void its_dead_letter_names_the_timer_and_no_topic(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("retry") "retry: { attempts: 2, backoff: 10ms }\n");
    const struct message *dead = device_wait(s.phone, "hark/dead/puppet");
    assert_string_equal(message_property(dead, "hark-trigger"), "every 100ms");
    assert_string_equal(message_property(dead, "hark-attempts"), "2");
    assert_null(message_property(dead, "hark-topic"));
    hark_wait_line(s.hark, "a tick of every 100ms is given up after 2 attempts: retry: attempts used up");
}

static void a_tick_that_crashes_is_blamed_and_tried_again(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("crash-until 2; attempt out/attempt"));
    hark_wait_line(s.hark, "with a tick of every 100ms \\(attempt 1 of 3\\)");
    stage_expect(&s, "out/attempt", "2");
}

/* Deploys that come faster than ticks: were the timer to begin anew with each, there would be none, or too
 * many. */
static void deploys_neither_hold_ticks_up_nor_make_more_of_them(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, TIMER_MANIFEST "triggers: [ { every: 1s } ]\nconfig: { tick: \"say out/tick x\" }\n");
    device_wait(s.phone, "out/tick");
    size_t before = device_count(s.phone, "out/tick");
    uint64_t begin_ns = clock_now_ns();
    for (int i = 0; i < DEPLOYS || device_count(s.phone, "out/tick") < before + 3; i++) {
        hark_manifest(s.hark, "puppet",
                      TIMER_MANIFEST
                      "triggers: [ { every: 1s } ]\nconfig: { tick: \"say out/tick x\", n: \"%d\" }\n",
                      i);
        hark_wait_line(s.hark, "^hark: deployed puppet version=[0-9a-f]{12}");
    }
    size_t ticks = device_count(s.phone, "out/tick") - before;
    assert_in_range(ticks, 3, (clock_now_ns() - begin_ns) / NS_PER_S + 1);
}

static void a_timer_that_is_taken_away_stops(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("say out/tick x"));
    device_wait(s.phone, "out/tick");
    deploy(s.hark, PUPPET_MANIFEST);
    stage_still_serves(&s);
    size_t before = device_count(s.phone, "out/tick");
    stage_tell(&s, "work 400"); /* four ticks' time */
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/tick"), before);
}

static void ticks_missed_while_hark_was_dead_do_not_pile_up(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("work 50; say out/tick x"));
    device_wait(s.phone, "out/tick");
    uint64_t begin_ns = clock_now_ns();
    hark_kill(s.hark);
    size_t before = device_count(s.phone, "out/tick");
    hark_start(s.hark);
    for (int i = 0; i < AWAY_TICKS; i++)
        device_wait(s.phone, "out/tick");
    size_t ticks = device_count(s.phone, "out/tick") - before;
    assert_in_range(ticks, 1, (clock_now_ns() - begin_ns) / NS_PER_MS / TICK_MS + 1);
}

static void ticks_go_on_while_the_broker_is_away_and_their_outputs_follow_in_order(void **unused)
{
    (void)unused;
    struct broker *b = broker_start_with(&(struct broker_options){.keeps_sessions = true});
    struct hark *h = hark_run(broker_url(b));
    struct device *d = device_connect_with(
        &(struct device_options){.port = broker_port(b), .id = "patient", .is_v311 = true, .resumes = true});
    device_subscribe(d, "out/#", 1);
    deploy(h, EVERY_100_MS("log ticked; count out/count") "instances: { min: 1 }\n");
    device_wait(d, "out/count");
    broker_stop(b);
    hark_wait_line(h, "^hark: warning: broker ");
    for (int i = 0; i < AWAY_TICKS; i++)
        hark_wait_line(h, "worker=[0-9]+ ticked");
    broker_up(b);
    long last = 1;
    while (last < 2 * AWAY_TICKS) {
        long n = strtol(device_wait(d, "out/count")->payload, NULL, 10);
        assert_in_range(n, last, last + 1); /* once more when the broker's answer was lost */
        last = n;
    }
}

static void outputs_that_wait_for_the_broker_are_bounded(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_run(broker_url(b));
    deploy(h, EVERY_100_MS("log ticked; count out/count") "limits: { queue: 3 }\n");
    hark_wait_line(h, "worker=[0-9]+ ticked");
    broker_kill(b);
    hark_wait_line(h, "^hark: warning: broker ");
    size_t before = hark_count_lines(h, "worker=[0-9]+ ticked");
    hark_wait_line(h, "skipped [0-9]+ ticks .* not over");
    hark_wait_line(h, "skipped [0-9]+ ticks .* not over");
    assert_in_range(hark_count_lines(h, "worker=[0-9]+ ticked"), before, before + QUEUE);
    broker_up(b);
    hark_wait_line(h, "worker=[0-9]+ ticked");
}

static void hark_ends_in_time_with_a_timer_that_ticks(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    deploy(s.hark, EVERY_100_MS("work 150; say out/tick x"));
    device_wait(s.phone, "out/tick");
    assert_int_equal(hark_stop(s.hark), 0);
}

/* ---- cron ---- */

enum { TZIF_HEADER_BYTES = 44, TO_THE_MINUTE_S = 3 };

static char *put(char *to, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (char)(number >> shift);
    return to;
}

/* A time zone, TZif version 1, in which the next minute begins in three seconds. */
static const char *zone_where_a_minute_is_about_to_begin(void)
{
    char file[TZIF_HEADER_BYTES + 10] = "TZif", *to = file + 36;
    uint32_t offset_s = (uint32_t)(60 - (time(NULL) + TO_THE_MINUTE_S) % 60);
    const char *folder = folder_create();
    to = put(put(to, 1), 4);                 /* one type, four bytes of names */
    memcpy(put(to, offset_s) + 2, "SOO", 4); /* no summer time, name 0 */
    assert_int_equal(mkdir(path_in(folder, "Test"), 0755), 0);
    file_write(path_in(folder, "Test/Soon"), file, sizeof file);
    return folder;
}

static void cron_ticks_by_the_clock_of_its_zone(void **unused)
{
    (void)unused;
    setenv("TZDIR", zone_where_a_minute_is_about_to_begin(), 1);
    struct stage s = stage_set();
    unsetenv("TZDIR");
    deploy(s.hark, TIMER_MANIFEST "triggers: [ { cron: \"* * * * *\", timezone: Test/Soon } ]\n"
                                  "config: { tick: \"trigger out/trigger\" }\n");
    stage_expect(&s, "out/trigger", "cron * * * * * Test/Soon");
}

static void a_zone_that_nobody_knows_is_refused_where_it_is_written(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(s.hark, "puppet",
                  TIMER_MANIFEST "triggers: [ { cron: \"@daily\", timezone: Europe/Berln } ]\n");
    hark_wait_line(s.hark, "puppet.yaml:4:41: triggers\\[\\].timezone: unknown time zone 'Europe/Berln': "
                           "/usr/share/zoneinfo/Europe/Berln is not there: write one of tzdata's names");
    hark_manifest(s.hark, "puppet",
                  TIMER_MANIFEST "triggers: [ { cron: \"@daily\", timezone: zone.tab } ]\n");
    hark_wait_line(s.hark, "puppet.yaml:4:41: triggers\\[\\].timezone: not a time zone's name");
}

/* ---- without a broker ---- */

enum { USAGE = 64 };

static void refused(struct outcome o, const char *why)
{
    if (!strstr(o.err, why))
        fail_msg("'%s' is not in: %s", why, o.err);
    assert_string_equal(o.out, "");
    assert_int_equal(o.code, USAGE);
}

static const char *with_timers(void)
{
    const char *folder = folder_create();
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"),
               "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\n"
               "triggers: [ { every: 90s }, { topic: puppet/do }, { cron: \"0 6 * * *\" } ]\n"
               "config: { tick: \"trigger out/trigger\" }\n");
    return path_in(folder, "puppet.yaml");
}

static void invoke_makes_a_tick_of_the_first_trigger_or_of_the_timer_named(void **unused)
{
    (void)unused;
    const char *manifest = with_timers();
    struct outcome o = hark_command("invoke", manifest);
    assert_string_equal(o.out, "out/trigger every 90s\n");
    assert_int_equal(o.code, 0);
    assert_string_equal(hark_command("invoke", manifest, "--timer", "cron 0 6 * * *").out,
                        "out/trigger cron 0 6 * * *\n");
    assert_string_equal(hark_command("invoke", manifest, "--payload", "trigger out/a").out,
                        "out/a puppet/do\n");
}

static void invoke_refuses_a_tick_that_there_is_not(void **unused)
{
    (void)unused;
    const char *manifest = with_timers();
    refused(hark_command("invoke", manifest, "--timer", "every 30s"),
            "--timer 'every 30s': the function's timers are: 'every 90s', 'cron 0 6 * * *'");
    refused(hark_command("invoke", manifest, "--timer", "every 90s", "--payload", "x"),
            "a tick has no topic");
    refused(hark_command("invoke", manifest, "--timer", "every 90s", "--qos", "1"), "a tick has no topic");
}

static void check_shows_when_a_cron_comes_next_where_it_is_asked_to_say_more(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("check", "--verbose", with_timers());
    assert_non_null(strstr(o.err, "puppet: cron 0 6 * * *: next at 2"));
    assert_non_null(strstr(o.err, " 06:00 +0000\n"));
    assert_int_equal(o.code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_tick_is_a_message_without_a_topic_that_names_its_timer),
        system_test(topics_and_timers_live_in_one_function),
        system_test(nobody_waits_for_the_reply_to_a_tick),
        system_test(a_slow_function_skips_ticks_and_hark_says_so_once_a_second),
        system_test(a_tick_that_fails_is_tried_again_and_becomes_a_dead_letter),
        system_test(its_dead_letter_names_the_timer_and_no_topic),
        system_test(a_tick_that_crashes_is_blamed_and_tried_again),
        system_test(deploys_neither_hold_ticks_up_nor_make_more_of_them),
        system_test(a_timer_that_is_taken_away_stops),
        system_test(ticks_missed_while_hark_was_dead_do_not_pile_up),
        system_test(ticks_go_on_while_the_broker_is_away_and_their_outputs_follow_in_order),
        system_test(outputs_that_wait_for_the_broker_are_bounded),
        system_test(hark_ends_in_time_with_a_timer_that_ticks),
        system_test(cron_ticks_by_the_clock_of_its_zone),
        system_test(a_zone_that_nobody_knows_is_refused_where_it_is_written),
        system_test(invoke_makes_a_tick_of_the_first_trigger_or_of_the_timer_named),
        system_test(invoke_refuses_a_tick_that_there_is_not),
        system_test(check_shows_when_a_cron_comes_next_where_it_is_asked_to_say_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
