/* What a cron line means, what it may not say, and when it comes on a clock that nobody touches. */
#include "schedule/cron.h"
#include "zone_scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct cron parsed(const char *text)
{
    struct cron c;
    struct diag diag = {0};
    if (cron_parse(slice_of(text), &c, &diag) != 0)
        fail_msg("'%s': %s", text, diag.text);
    return c;
}

static void refused(const char *text, unsigned column, const char *why)
{
    struct cron c;
    struct diag diag = {0};
    assert_int_equal(cron_parse(slice_of(text), &c, &diag), -EINVAL);
    assert_string_equal(diag.text, why);
    assert_int_equal(diag.column, column);
}

static uint64_t bits_from_to(unsigned from, unsigned to)
{
    uint64_t bits = 0;
    for (unsigned n = from; n <= to; n++)
        bits |= 1ull << n;
    return bits;
}

static void a_star_is_all_there_is(void **unused)
{
    (void)unused;
    struct cron c = parsed("* * * * *");
    assert_true(c.minutes == bits_from_to(0, 59));
    assert_true(c.hours == bits_from_to(0, 23));
    assert_true(c.days == bits_from_to(1, 31));
    assert_true(c.months == bits_from_to(1, 12));
    assert_true(c.weekdays == bits_from_to(0, 6));
    assert_true(c.any_day && c.any_weekday);
}

static void lists_ranges_and_steps_add_up(void **unused)
{
    (void)unused;
    struct cron c = parsed("1,5-7,10-20/5,*/30 */8 1-10/9 2,4 1-5");
    assert_true(c.minutes ==
                (1ull << 1 | bits_from_to(5, 7) | 1ull << 10 | 1ull << 15 | 1ull << 20 | 1ull | 1ull << 30));
    assert_true(c.hours == (1u | 1u << 8 | 1u << 16));
    assert_true(c.days == (1u << 1 | 1u << 10));
    assert_true(c.months == (1u << 2 | 1u << 4));
    assert_true(c.weekdays == bits_from_to(1, 5));
    assert_false(c.any_day || c.any_weekday);
}

static void months_and_weekdays_have_names(void **unused)
{
    (void)unused;
    struct cron c = parsed("0 0 * jan,MAR-may,Dec mon-Wed,SAT");
    assert_true(c.months == (1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 12));
    assert_true(c.weekdays == (1u << 1 | 1u << 2 | 1u << 3 | 1u << 6));
}

static void sunday_is_0_and_7(void **unused)
{
    (void)unused;
    assert_true(parsed("0 0 * * 0").weekdays == 1);
    assert_true(parsed("0 0 * * 7").weekdays == 1);
    assert_true(parsed("0 0 * * sun").weekdays == 1);
    assert_true(parsed("0 0 * * 5-7").weekdays == (1u << 5 | 1u << 6 | 1u));
    assert_true(parsed("0 0 * * fri-sun").weekdays == (1u << 5 | 1u << 6 | 1u));
    assert_true(parsed("0 0 * * 0-7").weekdays == 0x7f);
    assert_true(parsed("0 0 * * sun-tue").weekdays == 7);
}

static void words_stand_for_fields(void **unused)
{
    (void)unused;
    struct cron hourly = parsed("@hourly"), weekly = parsed("@weekly"), yearly = parsed("@annually");
    assert_true(hourly.minutes == 1 && hourly.hours == bits_from_to(0, 23));
    assert_true(weekly.hours == 1 && weekly.weekdays == 1 && weekly.any_day);
    assert_true(yearly.days == 2 && yearly.months == 2);
    assert_true(parsed("@daily").hours == 1 && parsed("@midnight").hours == 1 &&
                parsed("@monthly").days == 2);
    assert_true(parsed("@yearly").months == 2);
}

static void space_is_space(void **unused)
{
    (void)unused;
    struct cron c = parsed("  0\t6   * * 1  ");
    assert_true(c.minutes == 1 && c.hours == 1u << 6 && c.weekdays == 2);
}

static void what_is_out_of_a_field_is_pointed_at(void **unused)
{
    (void)unused;
    refused("60 * * * *", 1, "'60' is no minute: write 0 to 59");
    refused("0 24 * * *", 3, "'24' is no hour: write 0 to 23");
    refused("0 0 0 * *", 5, "'0' is no day of the month: write 1 to 31");
    refused("0 0 1 foo *", 7, "'foo' is no month: write 1 to 12, or a name of three letters");
    refused("0 0 1 1 8", 9, "'8' is no day of the week: write 0 to 7, or a name of three letters");
    refused("0 0 1 1 mo", 9, "'mo' is no day of the week: write 0 to 7, or a name of three letters");
    refused("1-99 * * * *", 3, "'99' is no minute: write 0 to 59");
    refused("-1 * * * *", 1, "'' is no minute: write 0 to 59");
    refused("+1 * * * *", 1, "'+1' is no minute: write 0 to 59");
    refused("99999999999999999999 * * * *", 1, "'99999999999999999999' is no minute: write 0 to 59");
    refused("** * * * *", 1, "'**' is no minute: write 0 to 59");
}

static void ranges_go_upward(void **unused)
{
    (void)unused;
    refused("0 22-2 * * *", 3, "'22-2' ends before it begins: write two ranges with a comma between");
}

static void steps_lie_within_the_field(void **unused)
{
    (void)unused;
    refused("*/0 * * * *", 3, "the step of '*/0' is not within the minutes: write 1 to 59 after the /");
    refused("*/90 * * * *", 3, "the step of '*/90' is not within the minutes: write 1 to 59 after the /");
    refused("*/ * * * *", 3, "the step of '*/' is not within the minutes: write 1 to 59 after the /");
    refused("5/15 * * * *", 1, "'5/15' has a step and no range: write 5-59/15");
}

static void lists_have_no_holes(void **unused)
{
    (void)unused;
    refused("1,,2 * * * *", 3, "something is missing in the minute beside a comma: write for instance 1,3");
    refused("0 1, * * *", 5, "something is missing in the hour beside a comma: write for instance 1,3");
}

#define COUNT_RULE                                                                                           \
    ": write five, minute, hour, day of the month, month and day of the week, for instance 0 6 * * *"

static void there_are_five_fields(void **unused)
{
    (void)unused;
    refused("", 1, "0 fields" COUNT_RULE);
    refused("5", 1, "1 field" COUNT_RULE);
    refused("0 0 6 * * *", 1, "6 fields" COUNT_RULE);
    refused("@reboot", 1,
            "'@reboot' is unknown: write @hourly, @daily, @weekly, @monthly or @yearly, or five fields");
}

static void what_never_comes_is_refused(void **unused)
{
    (void)unused;
    refused("0 0 31 2 *", 1, "that day never comes: no such month has as many days");
    refused("0 0 31 4,6,9,11 *", 1, "that day never comes: no such month has as many days");
    parsed("0 0 29 2 *");
    parsed("0 0 31 2 mon");
}

static void next_is(const char *text, const char *from, const char *expected)
{
    struct cron c = parsed(text);
    assert_int_equal(cron_next(&c, NULL, at(from)), at(expected));
}

static void the_next_time_is_after_now(void **unused)
{
    (void)unused;
    next_is("0 6 * * *", "2026-11-22 05:59", "2026-11-22 06:00");
    next_is("0 6 * * *", "2026-11-22 06:00", "2026-11-23 06:00");
    next_is("* * * * *", "2026-11-22 06:00", "2026-11-22 06:01");
    next_is("59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59");
    next_is("0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00");
    next_is("0 12 * * mon-fri", "2026-11-20 12:00", "2026-11-23 12:00");
}

static void seconds_do_not_shift_the_minute(void **unused)
{
    (void)unused;
    struct cron c = parsed("*/5 * * * *");
    assert_int_equal(cron_next(&c, NULL, at("2026-11-22 06:00") + 1), at("2026-11-22 06:05"));
    assert_int_equal(cron_next(&c, NULL, at("2026-11-22 06:05") - 1), at("2026-11-22 06:05"));
    assert_int_equal(cron_next(&c, NULL, at("1969-12-31 23:57") + 59), at("1970-01-01 00:00"));
}

static void either_day_will_do_when_both_are_named(void **unused)
{
    (void)unused;
    next_is("0 0 13 * fri", "2026-11-10 00:00", "2026-11-13 00:00");
    next_is("0 0 13 * fri", "2026-11-13 00:00", "2026-11-20 00:00");
    next_is("0 0 15 * fri", "2026-11-13 00:00", "2026-11-15 00:00");
}

static void a_field_that_begins_with_a_star_does_not_make_it_either(void **unused)
{
    (void)unused;
    next_is("0 0 */2 * mon", "2026-11-16 00:00", "2026-11-23 00:00"); /* 23 is odd: */
    next_is("0 0 */2 * mon", "2026-11-23 00:00", "2026-12-07 00:00"); /* the 30th is not */
    next_is("0 0 1 * */2", "2026-11-22 00:00", "2026-12-01 00:00");   /* a Tuesday */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_is_all_there_is),
        cmocka_unit_test(lists_ranges_and_steps_add_up),
        cmocka_unit_test(months_and_weekdays_have_names),
        cmocka_unit_test(sunday_is_0_and_7),
        cmocka_unit_test(words_stand_for_fields),
        cmocka_unit_test(space_is_space),
        cmocka_unit_test(what_is_out_of_a_field_is_pointed_at),
        cmocka_unit_test(ranges_go_upward),
        cmocka_unit_test(steps_lie_within_the_field),
        cmocka_unit_test(lists_have_no_holes),
        cmocka_unit_test(there_are_five_fields),
        cmocka_unit_test(what_never_comes_is_refused),
        cmocka_unit_test(the_next_time_is_after_now),
        cmocka_unit_test(seconds_do_not_shift_the_minute),
        cmocka_unit_test(either_day_will_do_when_both_are_named),
        cmocka_unit_test(a_field_that_begins_with_a_star_does_not_make_it_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
