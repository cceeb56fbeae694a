/* When a recording's messages are due, and the moments that it writes. */
#include "cli/moment.h"
#include "cli/pace.h"
#include "shared/clock.h"
#include "support/test.h"

#include <errno.h>

static const uint64_t NOW = 1000 * NS_PER_S, RECORDED = 5000000 * NS_PER_S;

static void pauses_are_those_of_the_recording(void **unused)
{
    (void)unused;
    struct pace p = {.speed = 1};
    assert_int_equal(pace_due(&p, RECORDED, NOW), NOW);
    assert_int_equal(pace_due(&p, RECORDED + 3 * NS_PER_S, NOW + 1), NOW + 3 * NS_PER_S);
    assert_int_equal(pace_due(&p, RECORDED + 4 * NS_PER_S, NOW + 9 * NS_PER_S), NOW + 4 * NS_PER_S);
}

static void a_multiple_makes_them_shorter(void **unused)
{
    (void)unused;
    struct pace p = {.speed = 10};
    assert_int_equal(pace_due(&p, RECORDED, NOW), NOW);
    assert_int_equal(pace_due(&p, RECORDED + 5 * NS_PER_S, NOW), NOW + NS_PER_S / 2);
}

static void as_fast_as_it_goes_waits_for_nothing(void **unused)
{
    (void)unused;
    struct pace p = {.speed = 0};
    assert_int_equal(pace_due(&p, RECORDED, NOW), NOW);
    assert_int_equal(pace_due(&p, RECORDED + 5 * NS_PER_S, NOW), NOW);
}

static void what_has_no_time_comes_with_the_one_before_it(void **unused)
{
    (void)unused;
    struct pace p = {.speed = 1};
    assert_int_equal(pace_due(&p, 0, NOW), NOW);
    assert_int_equal(pace_due(&p, RECORDED, NOW + 1), NOW);
    assert_int_equal(pace_due(&p, RECORDED + NS_PER_S, NOW + 1), NOW + NS_PER_S);
    assert_int_equal(pace_due(&p, 0, NOW + 2), NOW + NS_PER_S);
}

/* The clock of the node that recorded was set back. */
static void a_time_before_the_one_before_it_overtakes_nothing(void **unused)
{
    (void)unused;
    struct pace p = {.speed = 1};
    assert_int_equal(pace_due(&p, RECORDED, NOW), NOW);
    assert_int_equal(pace_due(&p, RECORDED + 2 * NS_PER_S, NOW), NOW + 2 * NS_PER_S);
    assert_int_equal(pace_due(&p, RECORDED - NS_PER_S, NOW), NOW + 2 * NS_PER_S);
    assert_int_equal(pace_due(&p, RECORDED + 3 * NS_PER_S, NOW), NOW + 3 * NS_PER_S);
}

/* It began in 1970 and was set while it recorded. */
static void a_clock_that_jumped_ahead_is_no_overflow(void **unused)
{
    (void)unused;
    struct pace p = {.speed = 0.001};
    assert_int_equal(pace_due(&p, NS_PER_S, NOW), NOW);
    assert_int_equal(pace_due(&p, 1795000000 * NS_PER_S, NOW), NOW + UINT64_MAX / 4);
}

static void a_moment_is_read_as_it_is_written(void **unused)
{
    (void)unused;
    char text[MOMENT_TEXT_BYTES];
    const struct timespec moment = {.tv_sec = 1795365988, .tv_nsec = 250 * 1000000};
    uint64_t ns;
    assert_string_equal(moment_format(moment, text), "2026-11-22T16:46:28.250Z");
    assert_int_equal(moment_parse(text, &ns), 0);
    assert_int_equal(ns, 1795365988250000000);
    assert_int_equal(moment_parse("2026-11-22T16:46:28Z", &ns), 0);
    assert_int_equal(ns, 1795365988000000000);
    assert_int_equal(moment_parse("2026-11-22T16:46:28.000000001Z", &ns), 0);
    assert_int_equal(ns, 1795365988000000001);
}

static void what_is_no_moment_is_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-11-22",
                                      "2026-11-22T16:46:28",
                                      "2026-11-22T16:46:28+01:00",
                                      "2026-11-22T16:46:28.Z",
                                      "2026-11-22T16:46:28.0000000001Z",
                                      "2026-11-22T16:46:28Zx",
                                      "2026-02-30T16:46:28Z",
                                      "2026-1-2T3:4:5Z",
                                      "1969-12-31T23:59:59Z",
                                      "9999-12-31T23:59:59Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t ns;
        if (moment_parse(bad[i], &ns) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_are_those_of_the_recording),
        cmocka_unit_test(a_multiple_makes_them_shorter),
        cmocka_unit_test(as_fast_as_it_goes_waits_for_nothing),
        cmocka_unit_test(what_has_no_time_comes_with_the_one_before_it),
        cmocka_unit_test(a_time_before_the_one_before_it_overtakes_nothing),
        cmocka_unit_test(a_clock_that_jumped_ahead_is_no_overflow),
        cmocka_unit_test(a_moment_is_read_as_it_is_written),
        cmocka_unit_test(what_is_no_moment_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
