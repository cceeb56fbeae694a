/* misbehave_test.c: whatever one invocation does, it harms only itself, and nothing of it gets out. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

#define ONE_TRY       "retry: { attempts: 1 }\n"
#define QUICK_RETRIES "retry: { attempts: 3, backoff: 10ms, max_backoff: 20ms }\n"

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_non_null(text);
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int no_match = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    if (no_match)
        fail_msg("'%s' does not match %s", text, pattern);
}

/* Tells the puppet to publish, then to break. Nothing is published; the order is dead-lettered for that
 * reason; the next order is obeyed. */
static void breaking_is_dead_lettered(struct stage *s, const char *how, const char *reason)
{
    char order[128];
    snprintf(order, sizeof order, "say out/half done; %s", how);
    stage_tell(s, order);
    const struct message *dead = device_wait(s->phone, "hark/dead/puppet");
    assert_string_equal(dead->payload, order);
    stage_died_of(s, dead, reason);
    stage_still_serves(s);
    assert_int_equal(device_count(s->phone, "out/half"), 0);
}

static void a_crash_publishes_nothing_and_is_dead_lettered(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    breaking_is_dead_lettered(&s, "crash", "crash");
}

static void an_abort_publishes_nothing_and_is_dead_lettered(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    breaking_is_dead_lettered(&s, "abort", "crash");
}

static void an_exit_with_0_in_the_middle_is_a_crash(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    breaking_is_dead_lettered(&s, "exit", "crash");
}

static void garbage_in_its_channel_costs_it_its_worker(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    breaking_is_dead_lettered(&s, "scribble", "broken: ");
}

static void a_hang_ends_at_the_timeout(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY "timeout: 300ms\n");
    breaking_is_dead_lettered(&s, "hang", "time");
}

static void a_rejected_message_is_not_tried_again(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, QUICK_RETRIES);
    breaking_is_dead_lettered(&s, "reject", "reject");
}

static void one_that_never_succeeds_is_dead_lettered_after_its_attempts(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, QUICK_RETRIES);
    stage_tell(&s, "log tried; retry");
    const struct message *dead = device_wait(s.phone, "hark/dead/puppet");
    stage_died_of(&s, dead, "retry: attempts used up");
    assert_int_equal(hark_count_lines(s.hark, "is given up after 3 attempts: "), 1);
    stage_still_serves(&s);
    assert_int_equal(hark_count_lines(s.hark, "^hark: function=puppet worker=[0-9]+ tried"), 3);
}

static void a_dead_letter_says_what_it_was_and_why_it_died(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    struct message order = {.topic = "puppet/do",
                            .payload = "reject",
                            .payload_len = 6,
                            .qos = 1,
                            .content_type = "text/plain",
                            .property_count = 1,
                            .keys = {"colour"},
                            .values = {"blue"}};
    device_publish_message(s.phone, &order);
    const struct message *dead = device_wait(s.phone, "hark/dead/puppet");
    assert_string_equal(dead->payload, "reject");
    assert_string_equal(dead->content_type, "text/plain");
    assert_string_equal(message_property(dead, "colour"), "blue");
    assert_string_equal(message_property(dead, "hark-topic"), "puppet/do");
    assert_string_equal(message_property(dead, "hark-function"), "puppet");
    assert_string_equal(message_property(dead, "hark-attempts"), "1");
    assert_matches(message_property(dead, "hark-version"), "^[0-9a-f]{12}");
    assert_matches(message_property(dead, "hark-reason"), "reject");
    assert_matches(message_property(dead, "hark-time"), "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:.]+Z$");
}

static void dead_letter_none_drops(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY "dead_letter: none\n");
    stage_tell(&s, "reject");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "hark/dead/#"), 0);
}

static void a_dead_letter_goes_where_the_manifest_says(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY "dead_letter: out/graveyard\n");
    stage_tell(&s, "reject");
    stage_expect(&s, "out/graveyard", "reject");
}

static void a_retry_that_succeeds_publishes_once(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, QUICK_RETRIES);
    stage_tell(&s, "say out/early x; retry-until 3; attempt out/attempt");
    stage_expect(&s, "out/attempt", "3");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/early"), 1);
    assert_int_equal(device_count(s.phone, "hark/dead/#"), 0);
}

static void a_crash_is_tried_again_like_any_failure(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, QUICK_RETRIES);
    stage_tell(&s, "crash-until 2; attempt out/attempt");
    stage_expect(&s, "out/attempt", "2");
}

/* Publishes what it may not, says what that returned, and nothing of it is seen. */
static void publishing_returns(struct stage *s, const char *how, const char *code)
{
    char order[128];
    snprintf(order, sizeof order, "%s; result out/result", how);
    stage_tell(s, order);
    stage_expect(s, "out/result", code);
    assert_int_equal(device_count(s->phone, "forbidden/#"), 0);
}

#define SLOW_RETRY "retry: { attempts: 2, backoff: 300ms, max_backoff: 300ms }\n"

static void a_message_that_is_tried_again_holds_back_those_behind_it(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, SLOW_RETRY "instances: { max: 4 }\n");
    stage_tell(&s, "retry-until 2; say out/order first");
    stage_tell(&s, "say out/order second");
    stage_expect(&s, "out/order", "first");
    stage_expect(&s, "out/order", "second");
}

static void without_order_a_message_that_is_tried_again_is_overtaken(void **unused)
{
    (void)unused;
    need_of_broker("window");
    struct stage s = stage_set();
    stage_puppet(&s, SLOW_RETRY "order: none\n");
    stage_tell(&s, "retry-until 2; say out/order first");
    stage_tell(&s, "say out/order second");
    stage_expect(&s, "out/order", "second");
    stage_expect(&s, "out/order", "first");
}

static void what_may_not_be_published_is_refused_to_the_function(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "limits: { payload: 1KiB }\n");
    device_subscribe(s.phone, "forbidden/#", 1);
    publishing_returns(&s, "say forbidden/topic x", "-13"); /* -EACCES */
    publishing_returns(&s, "say out/+/wild x", "-22");      /* -EINVAL */
    publishing_returns(&s, "say out/# x", "-22");           /* -EINVAL */
    publishing_returns(&s, "big out/large 1025", "-90");    /* -EMSGSIZE */
    publishing_returns(&s, "big out/large 1024", "0");      /* exactly the limit */
    assert_int_equal(device_wait(s.phone, "out/large")->payload_len, 1024);
}

static void more_outputs_than_the_limit_are_refused_to_the_function(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "limits: { publishes: 3 }\n");
    stage_tell(&s, "many out/many 4; result out/result; log returned");
    hark_wait_line(s.hark, "function=puppet worker=[0-9]+ returned");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/many"), 3);
    assert_int_equal(device_count(s.phone, "out/result"), 0);
}

static void a_message_that_is_too_large_is_dead_lettered(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "limits: { payload: 64B }\n");
    char payload[66];
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = '\0';
    stage_tell(&s, payload);
    const struct message *dead = device_wait(s.phone, "hark/dead/puppet");
    assert_string_equal(dead->payload, payload);
    stage_still_serves(&s);
}

static void another_function_keeps_serving_while_one_crashes(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY "instances: { max: 2 }\n");
    hark_install(s.hark, "echo.so", "echo.so");
    hark_manifest(s.hark, "echo",
                  "function: echo\nhandler: echo.so\npublishes: [ echo/out ]\n"
                  "triggers: [ { topic: echo/in } ]\n");
    hark_wait_line(s.hark, "^hark: deployed echo ");
    device_subscribe(s.phone, "echo/out", 1);
    for (int i = 0; i < 30; i++) {
        stage_tell(&s, i % 2 ? "crash" : "abort");
        device_publish(s.phone, "echo/in", "ping", 1);
    }
    for (int i = 0; i < 30; i++)
        stage_expect(&s, "echo/out", "ping one");
    for (int i = 0; i < 30; i++)
        device_wait(s.phone, "hark/dead/puppet");
}

static void another_function_answers_while_one_hangs(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY "timeout: 1h\n");
    hark_install(s.hark, "echo.so", "echo.so");
    hark_manifest(s.hark, "echo",
                  "function: echo\nhandler: echo.so\npublishes: [ echo/out ]\n"
                  "triggers: [ { topic: echo/in } ]\n");
    hark_wait_line(s.hark, "^hark: deployed echo ");
    device_subscribe(s.phone, "echo/out", 1);
    stage_tell(&s, "log hanging; hang");
    device_publish(s.phone, "echo/in", "ping", 1);
    stage_expect(&s, "echo/out", "ping one");
}

/* Each pause is twice the one before it, and there is one worker for each. */
static void one_that_does_not_stay_up_is_not_started_again_at_once(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    uint64_t since_ns = clock_now_ns();
    file_copy(TEST_FUNCTIONS "/restless.so", hark_file(s.hark, "restless.so"));
    hark_manifest(s.hark, "restless",
                  "function: restless\nhandler: restless.so\ntriggers: [ { topic: rest } ]\n"
                  "instances: { min: 1 }\n");
    static const unsigned pauses_ms[] = {50, 100, 200, 400};
    for (size_t i = 0; i < 4; i++) {
        char line[160];
        snprintf(line, sizeof line,
                 "^hark: error: function=restless version=[0-9a-f]+ does not stay up: killed by SIGALRM "
                 "\\(Alarm clock\\); next try in %u ms",
                 pauses_ms[i]);
        hark_wait_line(s.hark, line);
    }
    assert_true(clock_now_ns() - since_ns >= (50 + 100 + 200) * NS_PER_MS);
    assert_int_equal(hark_count_lines(s.hark, "function=restless worker=[0-9]+ killed by SIGALRM"), 4);
}

static void a_crash_is_said_in_one_line(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    stage_tell(&s, "crash");
    hark_wait_line(s.hark, "^hark: .*function=puppet .*(SIGILL|SIGTRAP)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_crash_publishes_nothing_and_is_dead_lettered),
        system_test(an_abort_publishes_nothing_and_is_dead_lettered),
        system_test(an_exit_with_0_in_the_middle_is_a_crash),
        system_test(garbage_in_its_channel_costs_it_its_worker),
        system_test(a_hang_ends_at_the_timeout),
        system_test(a_rejected_message_is_not_tried_again),
        system_test(one_that_never_succeeds_is_dead_lettered_after_its_attempts),
        system_test(a_dead_letter_says_what_it_was_and_why_it_died),
        system_test(dead_letter_none_drops),
        system_test(a_dead_letter_goes_where_the_manifest_says),
        system_test(a_retry_that_succeeds_publishes_once),
        system_test(a_crash_is_tried_again_like_any_failure),
        system_test(a_message_that_is_tried_again_holds_back_those_behind_it),
        system_test(without_order_a_message_that_is_tried_again_is_overtaken),
        system_test(what_may_not_be_published_is_refused_to_the_function),
        system_test(more_outputs_than_the_limit_are_refused_to_the_function),
        system_test(a_message_that_is_too_large_is_dead_lettered),
        system_test(another_function_keeps_serving_while_one_crashes),
        system_test(another_function_answers_while_one_hangs),
        system_test(one_that_does_not_stay_up_is_not_started_again_at_once),
        system_test(a_crash_is_said_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
