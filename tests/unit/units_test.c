/* Durations and sizes as people write them. */
#include "manifest/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void duration_is(const char *text, uint64_t expected_ns)
{
    uint64_t ns = 0;
    const char *why;
    assert_int_equal(units_parse_duration(slice_of(text), &ns, &why), 0);
    assert_int_equal(ns, expected_ns);
}

static void size_is(const char *text, uint64_t expected_bytes)
{
    uint64_t bytes = 0;
    const char *why;
    assert_int_equal(units_parse_size(slice_of(text), &bytes, &why), 0);
    assert_int_equal(bytes, expected_bytes);
}

static void duration_fails(const char *text, int error, const char *expected_why)
{
    uint64_t ns = 7;
    const char *why = NULL;
    assert_int_equal(units_parse_duration(slice_of(text), &ns, &why), error);
    assert_string_equal(why, expected_why);
    assert_int_equal(ns, 7);
}

static void every_unit_of_time_is_known(void **unused)
{
    (void)unused;
    duration_is("0s", 0);
    duration_is("200ms", 200000000);
    duration_is("2s", 2000000000);
    duration_is("3m", 180000000000);
    duration_is("1h", 3600000000000);
    duration_is("2d", 172800000000000);
    duration_is("007s", 7000000000);
}

static void every_unit_of_size_is_known(void **unused)
{
    (void)unused;
    size_is("0B", 0);
    size_is("12B", 12);
    size_is("256KiB", 262144);
    size_is("16MiB", 16777216);
    size_is("3GiB", 3221225472);
}

static void a_percentage_is_a_whole_number_and_its_sign(void **unused)
{
    (void)unused;
    uint64_t percent = 0;
    const char *why;
    assert_int_equal(units_parse_percent(slice_of("150%"), &percent, &why), 0);
    assert_int_equal(percent, 150);
    assert_int_equal(units_parse_percent(slice_of("50"), &percent, &why), -EINVAL);
    assert_string_equal(why, "has no unit");
    assert_int_equal(units_parse_percent(slice_of("0.5%"), &percent, &why), -EINVAL);
    assert_string_equal(why, "is not a whole number");
    assert_int_equal(percent, 150);
}

static void what_is_no_duration_is_refused_with_the_reason(void **unused)
{
    (void)unused;
    duration_fails("", -EINVAL, "is empty");
    duration_fails("10", -EINVAL, "has no unit");
    duration_fails("10min", -EINVAL, "has an unknown unit");
    duration_fails("10S", -EINVAL, "has an unknown unit");
    duration_fails("10s ", -EINVAL, "has an unknown unit");
    duration_fails("-1s", -EINVAL, "is negative");
    duration_fails("1.5s", -EINVAL, "is not a whole number");
    duration_fails("1,5s", -EINVAL, "is not a whole number");
    duration_fails("2 s", -EINVAL, "has a space in it");
    duration_fails("s", -EINVAL, "does not begin with a digit");
    duration_fails("+1s", -EINVAL, "does not begin with a digit");
    duration_fails("0x10s", -EINVAL, "has an unknown unit");
}

static void what_does_not_fit_is_refused(void **unused)
{
    (void)unused;
    duration_is("18446744073709ms", 18446744073709000000u);
    duration_fails("18446744073710ms", -ERANGE, "is too large");
    duration_fails("213504d", -ERANGE, "is too large");
    duration_fails("99999999999999999999999999ms", -ERANGE, "is too large");
}

static void an_unknown_unit_of_size_is_refused(void **unused)
{
    uint64_t bytes = 7;
    const char *why = NULL;
    (void)unused;
    assert_int_equal(units_parse_size(slice_of("64MB"), &bytes, &why), -EINVAL);
    assert_string_equal(why, "has an unknown unit");
    assert_int_equal(units_parse_size(slice_of("17179869184GiB"), &bytes, &why), -ERANGE);
    assert_int_equal(bytes, 7);
}

static void a_rate_is_a_size_a_second(void **unused)
{
    uint64_t bytes = 7;
    const char *why = NULL;
    char text[UNITS_TEXT_MAX];
    (void)unused;
    assert_int_equal(units_parse_rate(slice_of("64KiB"), &bytes, &why), -EINVAL);
    assert_string_equal(why, "has an unknown unit");
    assert_int_equal(units_parse_rate(slice_of("64/s"), &bytes, &why), -EINVAL);
    assert_int_equal(bytes, 7);
    assert_int_equal(units_parse_rate(slice_of("64KiB/s"), &bytes, &why), 0);
    assert_int_equal(bytes, 65536);
    assert_string_equal(units_format_rate(65536, text), "64KiB/s");
    assert_string_equal(units_format_rate(0, text), "0B/s");
}

static void a_count_is_digits_and_nothing_else(void **unused)
{
    uint64_t count = 0;
    const char *why = NULL;
    (void)unused;
    assert_int_equal(units_parse_count(slice_of("65535"), &count, &why), 0);
    assert_int_equal(count, 65535);
    assert_int_equal(units_parse_count(slice_of("1k"), &count, &why), -EINVAL);
    assert_string_equal(why, "has more than digits");
    assert_int_equal(units_parse_count(slice_of("18446744073709551615"), &count, &why), 0);
    assert_int_equal(units_parse_count(slice_of("18446744073709551616"), &count, &why), -ERANGE);
}

static void a_slice_is_read_no_further_than_its_end(void **unused)
{
    uint64_t ns = 0;
    const char *why;
    (void)unused;
    assert_int_equal(units_parse_duration(slice_make("5sXX", 2), &ns, &why), 0);
    assert_int_equal(ns, 5000000000);
}

static void numbers_are_written_in_the_largest_unit_that_divides_them(void **unused)
{
    char text[UNITS_TEXT_MAX];
    (void)unused;
    assert_string_equal(units_format_duration(0, text), "0s");
    assert_string_equal(units_format_duration(1500000000, text), "1500ms");
    assert_string_equal(units_format_duration(60000000000, text), "1m");
    assert_string_equal(units_format_duration(86400000000000, text), "1d");
    assert_string_equal(units_format_size(0, text), "0B");
    assert_string_equal(units_format_size(1025, text), "1025B");
    assert_string_equal(units_format_size(262144, text), "256KiB");
    assert_string_equal(units_format_size(UINT64_MAX, text), "18446744073709551615B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_of_time_is_known),
        cmocka_unit_test(every_unit_of_size_is_known),
        cmocka_unit_test(a_percentage_is_a_whole_number_and_its_sign),
        cmocka_unit_test(what_is_no_duration_is_refused_with_the_reason),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(an_unknown_unit_of_size_is_refused),
        cmocka_unit_test(a_rate_is_a_size_a_second),
        cmocka_unit_test(a_count_is_digits_and_nothing_else),
        cmocka_unit_test(a_slice_is_read_no_further_than_its_end),
        cmocka_unit_test(numbers_are_written_in_the_largest_unit_that_divides_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
