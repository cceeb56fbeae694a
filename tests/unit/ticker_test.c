/* Ticks of a timer on clocks that the test sets. */
#include "schedule/ticker.h"
#include "shared/clock.h"
#include "zone_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct ticker_now now;
static struct cron cron;

static void the_time_is(const char *wall)
{
    now = (struct ticker_now){.mono_ns = 1000 * NS_PER_S, .wall_ns = at(wall) * (int64_t)NS_PER_S};
}

static void passes(uint64_t ns)
{
    now.mono_ns += ns;
    now.wall_ns += (int64_t)ns;
}

/* Somebody sets the clock, or the machine slept. */
static void the_clock_jumps(int64_t seconds)
{
    now.wall_ns += seconds * (int64_t)NS_PER_S;
}

static struct ticker cron_of(const char *text)
{
    struct diag diag = {0};
    assert_int_equal(cron_parse(slice_of(text), &cron, &diag), 0);
    return ticker_cron(&cron, NULL, now);
}

static void due_is(struct ticker *t, bool tick, uint64_t missed)
{
    struct ticker_due due = ticker_look(t, now);
    assert_int_equal(due.tick, tick);
    assert_int_equal(due.missed, missed);
}

/* Sleeps as it is told to, until there is something; for at most `ns`. Returns how often it looked. */
static unsigned sleeps_until_a_tick(struct ticker *t, uint64_t ns)
{
    uint64_t end_ns = now.mono_ns + ns;
    for (unsigned looks = 1;; looks++) {
        uint64_t next_ns = ticker_next_ns(t, now);
        assert_true(next_ns >= now.mono_ns && next_ns <= end_ns);
        passes(next_ns - now.mono_ns);
        struct ticker_due due = ticker_look(t, now);
        assert_int_equal(due.missed, 0);
        if (due.tick)
            return looks;
    }
}

static void every_ticks_once_a_period(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker t = ticker_every(30 * NS_PER_S, 12345, now);
    due_is(&t, false, 0);
    sleeps_until_a_tick(&t, 30 * NS_PER_S);
    uint64_t first_ns = now.mono_ns;
    due_is(&t, false, 0);
    sleeps_until_a_tick(&t, 30 * NS_PER_S);
    assert_int_equal(now.mono_ns - first_ns, 30 * NS_PER_S);
}

static void the_seed_alone_decides_the_phase(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker a = ticker_every(30 * NS_PER_S, 7 * NS_PER_S, now);
    passes(2 * 60 * NS_PER_S + 1);
    struct ticker b = ticker_every(30 * NS_PER_S, 7 * NS_PER_S, now);
    due_is(&a, true, 3);
    assert_int_equal(a.due_ns, b.due_ns);
    assert_int_equal(a.due_ns % (30 * NS_PER_S), 7 * NS_PER_S);
}

static void a_thousand_functions_spread_over_the_period(void **unused)
{
    (void)unused;
    unsigned in_second[10] = {0};
    the_time_is("2026-11-22 06:00");
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "meter-%u", i);
        struct ticker t = ticker_every(10 * NS_PER_S, ticker_seed("gateway", name, "every 10s"), now);
        in_second[t.due_ns % (10 * NS_PER_S) / NS_PER_S]++;
    }
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(in_second[i], 60, 150);
}

static void a_start_at_the_moment_of_a_tick_waits_for_the_next(void **unused)
{
    (void)unused;
    now = (struct ticker_now){.mono_ns = 37 * NS_PER_S};
    assert_int_equal(ticker_every(30 * NS_PER_S, 7 * NS_PER_S, now).due_ns, 67 * NS_PER_S);
    now.mono_ns = 3 * NS_PER_S; /* just booted */
    assert_int_equal(ticker_every(30 * NS_PER_S, 7 * NS_PER_S, now).due_ns, 7 * NS_PER_S);
}

static void ticks_that_nobody_looked_for_are_one_and_the_rest_is_missed(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker t = ticker_every(NS_PER_S, 0, now);
    passes(10 * NS_PER_S + NS_PER_MS);
    due_is(&t, true, 9);
    due_is(&t, false, 0);
}

static void every_does_not_care_for_the_wall_clock(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker t = ticker_every(NS_PER_S, 0, now);
    the_clock_jumps(86400);
    due_is(&t, false, 0);
    the_clock_jumps(-10 * 86400);
    passes(NS_PER_S);
    due_is(&t, true, 0);
}

static void cron_ticks_at_its_time_and_looks_once_a_minute(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 05:00");
    struct ticker t = cron_of("0 6 * * *");
    assert_int_equal(sleeps_until_a_tick(&t, 3600 * NS_PER_S), 60);
    assert_int_equal(now.wall_ns / (int64_t)NS_PER_S, at("2026-11-22 06:00"));
    sleeps_until_a_tick(&t, 86400 * NS_PER_S);
    assert_int_equal(now.wall_ns / (int64_t)NS_PER_S, at("2026-11-23 06:00"));
}

static void a_clock_set_forward_fires_no_backlog(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker t = cron_of("*/10 * * * *");
    the_clock_jumps(3 * 3600 + 300);
    due_is(&t, false, 18);
    sleeps_until_a_tick(&t, 300 * NS_PER_S);
    assert_int_equal(now.wall_ns / (int64_t)NS_PER_S, at("2026-11-22 09:10"));
}

static void what_was_due_a_moment_ago_is_made_up_for_once(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker t = cron_of("* * * * *");
    the_clock_jumps(3600 + 5);
    due_is(&t, true, 59);
    due_is(&t, false, 0);
}

static void a_machine_that_slept_through_its_time_misses_it(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 05:00");
    struct ticker t = cron_of("0 6 * * *");
    the_clock_jumps(3600 + TICKER_LATE_MAX_S + 1);
    due_is(&t, false, 1);
    the_time_is("2026-11-22 05:00");
    t = cron_of("0 6 * * *");
    the_clock_jumps(3600 + TICKER_LATE_MAX_S);
    due_is(&t, true, 0);
}

static void a_jump_of_years_is_counted_only_so_far(void **unused)
{
    (void)unused;
    the_time_is("1970-01-01 00:00");
    struct ticker t = cron_of("* * * * *");
    the_clock_jumps(56LL * 365 * 86400);
    due_is(&t, true, TICKER_MISSED_MAX - 1);
    due_is(&t, false, 0);
    sleeps_until_a_tick(&t, 60 * NS_PER_S);
}

static void a_small_step_back_does_not_tick_twice(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 05:59");
    struct ticker t = cron_of("0 6 * * *");
    sleeps_until_a_tick(&t, 60 * NS_PER_S);
    the_clock_jumps(-1);
    due_is(&t, false, 0);
    passes(2 * NS_PER_S);
    due_is(&t, false, 0);
}

static void a_clock_set_back_is_believed_and_nothing_stops(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker t = cron_of("*/10 * * * *");
    the_clock_jumps(-5 * 3600);
    due_is(&t, false, 0);
    sleeps_until_a_tick(&t, 600 * NS_PER_S);
    assert_int_equal(now.wall_ns / (int64_t)NS_PER_S, at("2026-11-22 01:10"));
}

static void small_steps_back_add_up(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 06:00");
    struct ticker t = cron_of("* * * * *");
    for (unsigned i = 0; i < 100; i++) {
        the_clock_jumps(-50);
        ticker_look(&t, now);
    }
    sleeps_until_a_tick(&t, 121 * NS_PER_S);
}

static void another_copy_of_the_cron_changes_nothing(void **unused)
{
    (void)unused;
    the_time_is("2026-11-22 05:59");
    struct ticker t = cron_of("0 6 * * *");
    struct cron copy = cron;
    ticker_rebind(&t, &copy, NULL);
    sleeps_until_a_tick(&t, 60 * NS_PER_S);
    ticker_rebind(&t, &cron, NULL);
    due_is(&t, false, 0);
    assert_int_equal(t.due_s, at("2026-11-23 06:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ticks_once_a_period),
        cmocka_unit_test(the_seed_alone_decides_the_phase),
        cmocka_unit_test(a_thousand_functions_spread_over_the_period),
        cmocka_unit_test(a_start_at_the_moment_of_a_tick_waits_for_the_next),
        cmocka_unit_test(ticks_that_nobody_looked_for_are_one_and_the_rest_is_missed),
        cmocka_unit_test(every_does_not_care_for_the_wall_clock),
        cmocka_unit_test(cron_ticks_at_its_time_and_looks_once_a_minute),
        cmocka_unit_test(a_clock_set_forward_fires_no_backlog),
        cmocka_unit_test(what_was_due_a_moment_ago_is_made_up_for_once),
        cmocka_unit_test(a_machine_that_slept_through_its_time_misses_it),
        cmocka_unit_test(a_jump_of_years_is_counted_only_so_far),
        cmocka_unit_test(a_small_step_back_does_not_tick_twice),
        cmocka_unit_test(a_clock_set_back_is_believed_and_nothing_stops),
        cmocka_unit_test(small_steps_back_add_up),
        cmocka_unit_test(another_copy_of_the_cron_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
