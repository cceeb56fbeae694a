/* cron.h: times as crontab(5) writes them: minute, hour, day of the month, month, day of the week. Pure. */
#ifndef HARK_SCHEDULE_CRON_H
#define HARK_SCHEDULE_CRON_H

#include "schedule/zone.h"
#include "shared/diag.h"

#define CRON_NEVER INT64_MAX

enum { CRON_TEXT_MAX = 256 /* bytes */ };

/* Bit n: n is in. */
struct cron {
    uint64_t minutes;  /* 0..59 */
    uint32_t hours;    /* 0..23 */
    uint32_t days;     /* 1..31 */
    uint32_t months;   /* 1..12 */
    uint32_t weekdays; /* 0..6, 0: Sunday */
    /* The field began with `*`. When neither did, either kind of day will do; else both have to. */
    bool any_day, any_weekday;
};

/* Five fields, or @hourly @daily @midnight @weekly @monthly @yearly @annually. Lists, ranges, steps, the
 * names of months and weekdays; 7 is Sunday, too. 0; or -EINVAL and *diag says what is wrong and what to
 * write (its column is the 1-based byte in the text, file and line are left 0). What never comes (31 in
 * February) is refused. */
__attribute__((warn_unused_result)) int cron_parse(struct slice text, struct cron *ret_cron,
                                                   struct diag *diag);

/* The first moment after `after` (seconds since 1970, UTC) at which it is time, by the clocks of the zone
 * (NULL: UTC); CRON_NEVER: not within 40 years. When clocks are put forward, a time that is left out comes at
 * the moment of the change, once; when they are put back, a time that comes twice counts the first time. But
 * for a cron of all 24 hours ("every 10 minutes"), which goes by what clocks show at each moment: nothing is
 * made up for, and both of two equal hours have their turns. */
int64_t cron_next(const struct cron *cron, const struct zone *zone, int64_t after);

/* The same on a clock that nobody puts forward or back: the first whole minute of local time that is not
 * before `from` (seconds since 1970, local). */
int64_t cron_next_local(const struct cron *cron, int64_t from);

#endif
