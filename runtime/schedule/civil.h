/* civil.h: days and dates of the Gregorian calendar, also before it was in use. Pure. */
#ifndef HARK_SCHEDULE_CIVIL_H
#define HARK_SCHEDULE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

enum { SECONDS_OF_DAY = 86400, SECONDS_OF_HOUR = 3600, SECONDS_OF_MINUTE = 60 };

struct civil {
    int64_t year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
};

/* Days since 1970-01-01, and back. */
int64_t civil_to_days(struct civil date);
struct civil civil_of_days(int64_t days);
int civil_weekday(int64_t days); /* 0: Sunday */
int civil_days_of_month(int64_t year, int month);

/* The largest whole number that is not above a/b; b > 0. */
int64_t floor_divide(int64_t a, int64_t b);

#endif
