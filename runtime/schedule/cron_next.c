#include "schedule/civil.h"
#include "schedule/cron.h"

enum {
    DAYS_AHEAD = 40 * 366,
    SEGMENTS_AHEAD = 1000,      /* 40 years of a zone that changes its clocks often */
    LOOK_BACK_S = 3 * 24 * 3600 /* clocks are not put back by more */
};

#define ALL_HOURS 0xffffffu

/* ---- a clock that nobody touches ---- */

static bool has(uint64_t bits, int n)
{
    return bits >> n & 1;
}

static bool day_matches(const struct cron *c, struct civil date, int64_t days)
{
    bool day = has(c->days, date.day), weekday = has(c->weekdays, civil_weekday(days));
    return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

/* The first minute of a day that is not before `from`, or -1. */
static int minute_of_day(const struct cron *c, int from)
{
    for (int minute = from; minute < 24 * 60;) {
        if (!has(c->hours, minute / 60))
            minute += 60 - minute % 60;
        else if (!has(c->minutes, minute % 60))
            minute++;
        else
            return minute;
    }
    return -1;
}

int64_t cron_next_local(const struct cron *c, int64_t from)
{
    int64_t minute = floor_divide(from + SECONDS_OF_MINUTE - 1, SECONDS_OF_MINUTE);
    int64_t days = floor_divide(minute, 24 * 60), last = days + DAYS_AHEAD;
    int start = (int)(minute - days * 24 * 60);
    while (days <= last) {
        struct civil date = civil_of_days(days);
        if (!has(c->months, date.month)) {
            days += civil_days_of_month(date.year, date.month) - date.day + 1;
            start = 0;
            continue;
        }
        int found = day_matches(c, date, days) ? minute_of_day(c, start) : -1;
        if (found >= 0)
            return days * SECONDS_OF_DAY + found * SECONDS_OF_MINUTE;
        days++;
        start = 0;
    }
    return CRON_NEVER;
}

/* ---- clocks that are put forward and back ---- */

/* The latest time that clocks have shown until t. */
static int64_t latest_shown(const struct zone *z, int64_t t)
{
    struct zone_segment s = zone_segment_at(z, t);
    int64_t latest = t + s.offset_s;
    while (s.start > t - LOOK_BACK_S) {
        int64_t last = s.start - 1;
        s = zone_segment_at(z, last);
        if (last + s.offset_s > latest)
            latest = last + s.offset_s;
    }
    return latest;
}

/* The first moment, not before `from`, at which clocks show `local` or more. */
static int64_t first_shown(const struct zone *z, int64_t from, int64_t local)
{
    if (from < local - ZONE_OFFSET_MAX_S)
        from = local - ZONE_OFFSET_MAX_S;
    for (int i = 0; i < SEGMENTS_AHEAD; i++) {
        struct zone_segment s = zone_segment_at(z, from);
        int64_t at = local - s.offset_s > from ? local - s.offset_s : from;
        if (at < s.end)
            return at;
        from = s.end;
    }
    return CRON_NEVER;
}

static int64_t next_by_date(const struct cron *c, const struct zone *z, int64_t after)
{
    int64_t local = cron_next_local(c, latest_shown(z, after) + 1);
    return local == CRON_NEVER ? CRON_NEVER : first_shown(z, after + 1, local);
}

static int64_t next_by_clock(const struct cron *c, const struct zone *z, int64_t after)
{
    int64_t from = after + 1;
    for (int i = 0; i < SEGMENTS_AHEAD; i++) {
        struct zone_segment s = zone_segment_at(z, from);
        int64_t local = cron_next_local(c, from + s.offset_s);
        if (local == CRON_NEVER)
            break;
        if (local - s.offset_s < s.end)
            return local - s.offset_s;
        from = s.end;
    }
    return CRON_NEVER;
}

int64_t cron_next(const struct cron *cron, const struct zone *zone, int64_t after)
{
    return cron->hours == ALL_HOURS ? next_by_clock(cron, zone, after) : next_by_date(cron, zone, after);
}
