#include "schedule/civil.h"

enum { DAYS_BEFORE_1970 = 719162 /* from 0001-01-01 */, DAYS_OF_400_YEARS = 146097 };

static const int days_before_month[2][13] = {
    {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
    {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366},
};

int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first of January. */
static int64_t days_before_year(int64_t year)
{
    int64_t past = year - 1;
    return past * 365 + floor_divide(past, 4) - floor_divide(past, 100) + floor_divide(past, 400) -
           DAYS_BEFORE_1970;
}

int civil_days_of_month(int64_t year, int month)
{
    const int *before = days_before_month[is_leap(year)];
    return before[month] - before[month - 1];
}

int64_t civil_to_days(struct civil date)
{
    return days_before_year(date.year) + days_before_month[is_leap(date.year)][date.month - 1] + date.day - 1;
}

struct civil civil_of_days(int64_t days)
{
    int64_t year = 1969 + floor_divide(days * 400, DAYS_OF_400_YEARS); /* too early, if anything */
    while (days_before_year(year + 1) <= days)
        year++;
    int day_of_year = (int)(days - days_before_year(year)), month = 1;
    const int *before = days_before_month[is_leap(year)];
    while (before[month] <= day_of_year)
        month++;
    return (struct civil){year, month, day_of_year - before[month - 1] + 1};
}

int civil_weekday(int64_t days)
{
    return (int)(days + 4 - 7 * floor_divide(days + 4, 7)); /* 1970-01-01 was a Thursday */
}
