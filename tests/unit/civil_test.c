#include "schedule/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void known_days_are_where_they_belong(void **unused)
{
    (void)unused;
    assert_int_equal(civil_to_days((struct civil){1970, 1, 1}), 0);
    assert_int_equal(civil_to_days((struct civil){2000, 2, 29}), 11016);
    assert_int_equal(civil_to_days((struct civil){1, 1, 1}), -719162);
    assert_int_equal(civil_weekday(0), 4);
    assert_int_equal(civil_weekday(-4), 0);
    assert_int_equal(civil_days_of_month(1900, 2), 28);
    assert_int_equal(civil_days_of_month(2000, 2), 29);
}

static void every_day_of_a_thousand_years_is_there_and_back_and_the_c_librarys(void **unused)
{
    (void)unused;
    for (int64_t days = -200000; days < 200000; days++) {
        time_t t = days * SECONDS_OF_DAY;
        struct tm tm;
        struct civil date = civil_of_days(days);
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_equal(date.year, tm.tm_year + 1900);
        assert_int_equal(date.month, tm.tm_mon + 1);
        assert_int_equal(date.day, tm.tm_mday);
        assert_int_equal(civil_weekday(days), tm.tm_wday);
        assert_int_equal(civil_to_days(date), days);
    }
}

static void division_goes_down_also_below_zero(void **unused)
{
    (void)unused;
    assert_int_equal(floor_divide(-1, 60), -1);
    assert_int_equal(floor_divide(-60, 60), -1);
    assert_int_equal(floor_divide(-61, 60), -2);
    assert_int_equal(floor_divide(59, 60), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days_are_where_they_belong),
        cmocka_unit_test(every_day_of_a_thousand_years_is_there_and_back_and_the_c_librarys),
        cmocka_unit_test(division_goes_down_also_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
