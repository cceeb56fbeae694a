/* Crons where clocks are put forward and back: known nights, and every minute of 400 days against a scan that
 * knows nothing of calendars. */
#include "schedule/cron.h"
#include "zone_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct cron parsed(const char *text)
{
    struct cron c;
    struct diag diag = {0};
    if (cron_parse(slice_of(text), &c, &diag) != 0)
        fail_msg("'%s': %s", text, diag.text);
    return c;
}

/* From `from` on, the cron comes at these moments (UTC); "" ends them. */
static void comes_at(const char *zone, const char *text, const char *from, const char *const *times)
{
    struct zone *z = zone_of_system(zone);
    struct cron c = parsed(text);
    int64_t t = at(from);
    for (; **times; times++) {
        t = cron_next(&c, z, t);
        if (t != at(*times))
            fail_msg("%s %s: %lld instead of %s", zone, text, (long long)t, *times);
    }
    zone_free(z);
}

#define COMES_AT(zone, text, from, ...) comes_at(zone, text, from, (const char *const[]){__VA_ARGS__, ""})

static void six_o_clock_is_six_o_clock_in_summer_and_winter(void **unused)
{
    (void)unused;
    COMES_AT("Europe/Berlin", "0 6 * * *", "2026-03-28 00:00", "2026-03-28 05:00", "2026-03-29 04:00",
             "2026-03-30 04:00");
    COMES_AT("Europe/Berlin", "0 6 * * *", "2026-10-24 00:00", "2026-10-24 04:00", "2026-10-25 05:00");
}

static void a_time_that_is_left_out_comes_once_when_clocks_are_put_forward(void **unused)
{
    (void)unused;
    COMES_AT("Europe/Berlin", "30 2 * * *", "2026-03-28 00:00", "2026-03-28 01:30", "2026-03-29 01:00",
             "2026-03-30 00:30");
    COMES_AT("Europe/Berlin", "*/10 2 * * *", "2026-03-28 01:50", "2026-03-29 01:00", "2026-03-30 00:00");
    COMES_AT("Europe/Berlin", "0,30 2,3 * * *", "2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 01:30",
             "2026-03-30 00:00");
}

static void a_time_that_comes_twice_counts_the_first_time(void **unused)
{
    (void)unused;
    COMES_AT("Europe/Berlin", "30 2 * * *", "2026-10-24 12:00", "2026-10-25 00:30", "2026-10-26 01:30");
    COMES_AT("Europe/Berlin", "0,30 2,3 * * *", "2026-10-24 12:00", "2026-10-25 00:00", "2026-10-25 00:30",
             "2026-10-25 02:00", "2026-10-25 02:30");
}

static void every_half_hour_goes_on_through_both(void **unused)
{
    (void)unused;
    COMES_AT("Europe/Berlin", "*/30 * * * *", "2026-03-29 00:00", "2026-03-29 00:30", "2026-03-29 01:00",
             "2026-03-29 01:30");
    COMES_AT("Europe/Berlin", "*/30 * * * *", "2026-10-24 23:30", "2026-10-25 00:00", "2026-10-25 00:30",
             "2026-10-25 01:00", "2026-10-25 01:30", "2026-10-25 02:00");
    COMES_AT("Europe/Berlin", "45 * * * *", "2026-03-29 00:50", "2026-03-29 01:45");
}

static void a_midnight_that_is_left_out_comes_at_one(void **unused)
{
    (void)unused;
    COMES_AT("America/Sao_Paulo", "0 0 * * *", "2018-11-03 12:00", "2018-11-04 03:00", "2018-11-05 02:00");
}

static void a_day_that_is_left_out_comes_at_the_next_midnight(void **unused)
{
    (void)unused;
    COMES_AT("Pacific/Apia", "0 6 30 12 *", "2011-12-01 00:00", "2011-12-30 10:00", "2012-12-29 16:00");
    COMES_AT("Pacific/Apia", "0 6 * * *", "2011-12-29 00:00", "2011-12-29 16:00", "2011-12-30 10:00",
             "2011-12-30 16:00");
}

static void half_hours_of_lord_howe_are_no_trouble(void **unused)
{
    (void)unused;
    COMES_AT("Australia/Lord_Howe", "15 2 * * *", "2026-10-03 00:00", "2026-10-03 15:30", "2026-10-04 15:15");
    COMES_AT("Australia/Lord_Howe", "45 1 * * *", "2026-04-03 20:00", "2026-04-04 14:45", "2026-04-05 15:15");
}

/* ---- every minute ---- */

enum { CRONS = 16, MINUTES = 400 * 24 * 60 };

struct scan {
    const char *zone;
    int64_t from;              /* UTC */
    int32_t offset_s[MINUTES]; /* by the C library */
};

static void scan_fill(struct scan *s)
{
    setenv("TZ", s->zone, 1);
    tzset();
    for (size_t i = 0; i < MINUTES; i++) {
        time_t t = s->from + (int64_t)i * 60;
        struct tm tm;
        localtime_r(&t, &tm);
        s->offset_s[i] = (int32_t)tm.tm_gmtoff;
    }
}

/* Does the cron name this local minute (of our era)? By the C library's calendar. */
static bool names(const struct cron *c, int64_t local)
{
    struct tm tm;
    time_t t = local;
    if (!(c->minutes >> local / 60 % 60 & 1) || !(c->hours >> local / 3600 % 24 & 1))
        return false; /* the same, faster */
    gmtime_r(&t, &tm);
    bool day = c->days >> tm.tm_mday & 1, weekday = c->weekdays >> tm.tm_wday & 1;
    bool date = c->any_day || c->any_weekday ? day && weekday : day || weekday;
    return date && c->minutes >> tm.tm_min & 1 && c->hours >> tm.tm_hour & 1 &&
           c->months >> (tm.tm_mon + 1) & 1;
}

/* Is it time at minute i? `shown`: the latest local minute until the minute before. */
static bool is_time(const struct scan *s, const struct cron *c, size_t i, int64_t shown)
{
    int64_t local = s->from + (int64_t)i * 60 + s->offset_s[i];
    if (c->hours == 0xffffff)
        return names(c, local);
    for (int64_t m = shown + 60; m <= local; m += 60) {
        if (names(c, m))
            return true;
    }
    return false;
}

static void agrees(const struct scan *s, const struct zone *z, const struct cron *c, const char *text)
{
    int64_t shown = s->from + s->offset_s[0], next = cron_next(c, z, s->from);
    for (size_t i = 1; i < MINUTES; i++) {
        int64_t t = s->from + (int64_t)i * 60, local = t + s->offset_s[i];
        bool expected = is_time(s, c, i, shown);
        if (expected != (next == t))
            fail_msg("%s '%s': %s at %lld", s->zone, text, expected ? "nothing" : "a tick", (long long)t);
        if (expected)
            next = cron_next(c, z, t);
        shown = local > shown ? local : shown;
    }
}

static unsigned pick(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245 + 12345;
    return (*seed >> 16) % below;
}

/* A field: a star, a step, a number, a range or a list. */
static const char *random_field(unsigned *seed, unsigned min, unsigned max, char *buffer, size_t size)
{
    unsigned span = max - min, a = min + pick(seed, span + 1), b = a + pick(seed, max - a + 1);
    switch (pick(seed, 5)) {
    case 0:
        snprintf(buffer, size, "%u", a);
        break;
    case 1:
        snprintf(buffer, size, "*/%u", 1 + pick(seed, span));
        break;
    case 2:
        snprintf(buffer, size, "%u-%u", a, b);
        break;
    case 3:
        snprintf(buffer, size, "%u,%u", a, b);
        break;
    default:
        snprintf(buffer, size, "*");
    }
    return buffer;
}

static void random_cron(unsigned *seed, char *text, size_t size)
{
    char minute[16], hour[16], day[16], month[16], weekday[16];
    bool busy = pick(seed, 2); /* half of them at the hours when clocks are changed */
    snprintf(text, size, "%s %s %s %s %s", random_field(seed, 0, 59, minute, sizeof minute),
             random_field(seed, 0, busy ? 4 : 23, hour, sizeof hour),
             pick(seed, 2) ? "*" : random_field(seed, 1, 31, day, sizeof day),
             pick(seed, 3) ? "*" : random_field(seed, 1, 12, month, sizeof month),
             pick(seed, 2) ? "*" : random_field(seed, 0, 7, weekday, sizeof weekday));
}

static void every_minute_of_400_days_is_right(const char *zone, const char *from)
{
    static struct scan s;
    unsigned seed = 1;
    s = (struct scan){.zone = zone, .from = at(from)};
    struct zone *z = zone_of_system(zone);
    scan_fill(&s);
    for (size_t i = 0; i < CRONS; i++) {
        struct cron c;
        struct diag diag;
        char text[96];
        random_cron(&seed, text, sizeof text);
        if (cron_parse(slice_of(text), &c, &diag) == 0) /* else: a day that never comes */
            agrees(&s, z, &c, text);
    }
    zone_free(z);
}

static void crons_agree_with_a_scan_of_every_minute(void **unused)
{
    (void)unused;
    every_minute_of_400_days_is_right("Europe/Berlin", "2026-01-01 00:00");
    every_minute_of_400_days_is_right("America/New_York", "2039-01-01 00:00");
    every_minute_of_400_days_is_right("Australia/Lord_Howe", "2026-01-01 00:00");
    every_minute_of_400_days_is_right("America/Sao_Paulo", "2017-06-01 00:00");
    every_minute_of_400_days_is_right("Africa/Casablanca", "2025-01-01 00:00");
    every_minute_of_400_days_is_right("Antarctica/Troll", "2026-01-01 00:00");
    every_minute_of_400_days_is_right("Pacific/Apia", "2011-01-01 00:00");
    every_minute_of_400_days_is_right("Asia/Kathmandu", "2026-01-01 00:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_o_clock_is_six_o_clock_in_summer_and_winter),
        cmocka_unit_test(a_time_that_is_left_out_comes_once_when_clocks_are_put_forward),
        cmocka_unit_test(a_time_that_comes_twice_counts_the_first_time),
        cmocka_unit_test(every_half_hour_goes_on_through_both),
        cmocka_unit_test(a_midnight_that_is_left_out_comes_at_one),
        cmocka_unit_test(a_day_that_is_left_out_comes_at_the_next_midnight),
        cmocka_unit_test(half_hours_of_lord_howe_are_no_trouble),
        cmocka_unit_test(crons_agree_with_a_scan_of_every_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
