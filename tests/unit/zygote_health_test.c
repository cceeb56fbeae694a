/* A zygote that hangs is found out, whatever it was asked; one that works, or that was frozen together with
 * hark, is not. */
#include "dispatcher/zygote_health.h"
#include "support/test.h"

static struct zygote_health health;
static uint64_t now_ns;

static void after(uint64_t ns)
{
    now_ns += ns;
}

static enum health_verdict look(void)
{
    return zygote_health_look(&health, now_ns);
}

static enum health_verdict look_after(uint64_t ns)
{
    after(ns);
    return look();
}

static void ask(void)
{
    zygote_health_ask(&health, now_ns);
}

static void hear(void)
{
    zygote_health_hear(&health);
}

static int begin(void **unused)
{
    (void)unused;
    now_ns = 1000 * NS_PER_S;
    zygote_health_begin(&health, now_ns);
    return 0;
}

static int begin_idle(void **unused)
{
    begin(unused);
    hear();
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    return 0;
}

static void one_that_is_idle_is_asked_once_a_look(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_PING);
        ask();
        after(NS_PER_MS);
        hear();
        assert_int_equal(look_after(HEALTH_LOOK_NS - NS_PER_MS), HEALTH_FINE);
    }
}

static void one_that_speaks_by_itself_is_not_asked(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        hear();
        assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    }
}

static void no_answer_to_a_ping_is_found_out_when_its_time_is_over(void **unused)
{
    (void)unused;
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_PING);
    ask();
    assert_int_equal(look_after(HEALTH_REPLY_NS - HEALTH_LOOK_NS), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_SILENT);
}

/* The time counts from the first: further orders must not put it off. */
static void orders_without_an_answer_are_questions_too(void **unused)
{
    (void)unused;
    after(NS_PER_S);
    ask();
    assert_int_equal(look_after(HEALTH_LOOK_NS - NS_PER_S), HEALTH_FINE);
    ask();
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    ask();
    assert_int_equal(look_after(NS_PER_S), HEALTH_SILENT);
}

static void any_word_answers_all_that_was_asked(void **unused)
{
    (void)unused;
    ask();
    ask();
    after(HEALTH_REPLY_NS - NS_PER_S);
    hear();
    assert_int_equal(look_after(NS_PER_S - 1), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_PING);
}

static void the_start_may_take_longer(void **unused)
{
    (void)unused;
    for (uint64_t ns = HEALTH_LOOK_NS; ns < HEALTH_START_NS; ns += HEALTH_LOOK_NS)
        assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_SILENT);
}

static void an_order_does_not_shorten_the_start(void **unused)
{
    (void)unused;
    ask();
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
}

/* hark was stopped, or the machine was: the answer may be waiting, or the other have had no time to give it.
 */
static void a_look_that_comes_late_blames_nobody(void **unused)
{
    (void)unused;
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_PING);
    ask();
    assert_int_equal(look_after(60 * NS_PER_S), HEALTH_FINE);
    hear();
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_PING);
}

static void after_a_late_look_the_whole_time_passes_again(void **unused)
{
    (void)unused;
    ask();
    assert_int_equal(look_after(60 * NS_PER_S), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_FINE);
    assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_SILENT);
}

/* However hark and the machine are stopped and go on: between a question and the verdict lies a look on time,
 * so an answer that was given had a chance to be read. */
static void a_stop_of_any_length_blames_nobody_at_once(void **unused)
{
    for (uint64_t ns = 0; ns < 4 * HEALTH_REPLY_NS; ns += 100 * NS_PER_MS) {
        begin_idle(unused);
        assert_int_equal(look_after(HEALTH_LOOK_NS), HEALTH_PING);
        ask();
        assert_int_equal(look_after(HEALTH_LOOK_NS + ns), HEALTH_FINE);
    }
}

#define IDLE(test)    cmocka_unit_test_setup(test, begin_idle)
#define STARTED(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IDLE(one_that_is_idle_is_asked_once_a_look),
        IDLE(one_that_speaks_by_itself_is_not_asked),
        IDLE(no_answer_to_a_ping_is_found_out_when_its_time_is_over),
        IDLE(orders_without_an_answer_are_questions_too),
        IDLE(any_word_answers_all_that_was_asked),
        STARTED(the_start_may_take_longer),
        STARTED(an_order_does_not_shorten_the_start),
        IDLE(a_look_that_comes_late_blames_nobody),
        IDLE(after_a_late_look_the_whole_time_passes_again),
        IDLE(a_stop_of_any_length_blames_nobody_at_once),
    };
    return cmocka_run_group_tests_name("zygote, health", tests, NULL, NULL);
}
