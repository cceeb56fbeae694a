/* Zones as tzdata has them, held to what the C library makes of them; and files that are none. */
#include "schedule/zone.h"
#include "zone_scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { HEADER_BYTES = 44 };

static const char *const names[] = {
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Etc/GMT+5",
    "UTC",
};

static int32_t offset_by_the_c_library(time_t t)
{
    struct tm tm;
    assert_non_null(localtime_r(&t, &tm));
    return (int32_t)tm.tm_gmtoff;
}

static void agrees_at(const struct zone *z, const char *name, int64_t t)
{
    if (zone_segment_at(z, t).offset_s != offset_by_the_c_library(t))
        fail_msg("%s at %lld", name, (long long)t);
}

/* At the last second before each change, at its first, and here and there between. */
static void zones_agree_with_the_c_library_from_1900_to_2100(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone *z = zone_of_system(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t t = at("1900-01-01 00:00"); t < at("2100-01-01 00:00"); t += 50 * 3600 + 11) {
            struct zone_segment s = zone_segment_at(z, t);
            agrees_at(z, names[i], t);
            if (s.start > at("1900-01-01 00:00")) {
                agrees_at(z, names[i], s.start - 1);
                agrees_at(z, names[i], s.start);
            }
        }
        zone_free(z);
    }
}

static void a_segment_ends_where_the_next_begins(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone *z = zone_of_system(names[i]);
        struct zone_segment s = zone_segment_at(z, at("1850-01-01 00:00"));
        assert_true(s.start == INT64_MIN);
        while (s.end < at("2100-01-01 00:00")) {
            struct zone_segment next = zone_segment_at(z, s.end);
            assert_true(next.start == s.end && next.end > next.start);
            assert_int_equal(zone_segment_at(z, s.end - 1).offset_s, s.offset_s);
            s = next;
        }
        zone_free(z);
    }
}

static void offset_is(const char *rule, const char *when, int32_t expected_s)
{
    struct zone *z = zone_of_rule(rule);
    assert_int_equal(zone_segment_at(z, at(when)).offset_s, expected_s);
    zone_free(z);
}

static void rules_put_clocks_forward_and_back(void **unused)
{
    (void)unused;
    offset_is("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29 00:59", 3600);
    offset_is("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29 01:00", 7200);
    offset_is("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25 00:59", 7200);
    offset_is("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25 01:00", 3600);
}

static void rules_have_days_of_all_kinds(void **unused)
{
    (void)unused;
    offset_is("AAA0BBB,J60/0,J61/0", "2024-02-29 12:00", 0);
    offset_is("AAA0BBB,J60/0,J61/0", "2024-03-01 12:00", 3600);
    offset_is("AAA0BBB,59/0,60/0", "2024-02-29 12:00", 3600);
    offset_is("AAA0BBB,59/0,60/0", "2023-03-01 12:00", 3600);
    offset_is("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-30 23:00", -7200);
    offset_is("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-31 01:00", -3600);
    offset_is("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-15 12:00", 0);
    offset_is("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-15 12:00", 3600);
    offset_is("<+0545>-5:45", "2026-07-15 12:00", 20700);
}

static void a_summer_of_all_year_has_no_gap(void **unused)
{
    (void)unused;
    for (int64_t t = at("2023-12-30 00:00"); t < at("2025-01-03 00:00"); t += 600) {
        struct zone *z = zone_of_rule("EST5EDT,0/0,J365/25");
        assert_int_equal(zone_segment_at(z, t).offset_s, -4 * 3600);
        zone_free(z);
    }
}

static void refused(const char *file, size_t len, const char *why)
{
    struct zone *z = NULL;
    const char *said = "";
    assert_int_equal(zone_parse(slice_make(file, len), &z, &said), -EINVAL);
    assert_null(z);
    assert_string_equal(said, why);
}

#define DAMAGED "is no time zone: it is damaged, or something else"

static void bad_rules_are_refused(void **unused)
{
    (void)unused;
    static const char *const rules[] = {"C-1",
                                        "CET",
                                        "CET-1CEST",
                                        "CET-25",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1 ",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "<CET-1",
                                        "CET-1CEST,J0,J5",
                                        "CET-1CEST,M3.5.0/168,M10.5.0",
                                        "CET-1:60",
                                        "CET-1CEST,366,1",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET-1CEST,M3.5.0,M10.5.0,",
                                        ":Europe/Berlin"};
    char file[256];
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        refused(file, zone_file(file, sizeof file, NULL, 0, rules[i]), DAMAGED);
}

static void every_cut_of_a_file_is_refused(void **unused)
{
    (void)unused;
    const struct zone_change changes[] = {{1000, 3600}, {2000, 7200}};
    char file[512];
    size_t len = zone_file(file, sizeof file, changes, 2, "CET-1");
    for (size_t cut = 0; cut < len; cut++)
        refused(file, cut, DAMAGED);
}

static void changes_out_of_order_and_offsets_out_of_this_world_are_refused(void **unused)
{
    (void)unused;
    const struct zone_change twice[] = {{1000, 3600}, {1000, 7200}}, far[] = {{1000, 26 * 3600 + 1}};
    char file[512];
    refused(file, zone_file(file, sizeof file, twice, 2, ""), DAMAGED);
    refused(file, zone_file(file, sizeof file, far, 1, ""), DAMAGED);
}

static void an_index_without_a_type_is_refused(void **unused)
{
    (void)unused;
    const struct zone_change changes[] = {{1000, 3600}};
    char file[512];
    size_t len = zone_file(file, sizeof file, changes, 1, "");
    file[2 * HEADER_BYTES + 8] = 2;
    refused(file, len, DAMAGED);
}

static void leap_seconds_are_refused_in_words(void **unused)
{
    (void)unused;
    char file[512];
    size_t len = zone_file(file, sizeof file, NULL, 0, "UTC0");
    file[HEADER_BYTES + 31] = 1;
    refused(file, len,
            "counts leap seconds, which this system's clock does not: name the zone without right/");
}

static void without_a_rule_the_last_change_stays(void **unused)
{
    (void)unused;
    const struct zone_change changes[] = {{1000, 3600}, {2000, 7200}};
    char file[512];
    struct zone *z = NULL;
    const char *why;
    size_t len = zone_file(file, sizeof file, changes, 2, "");
    assert_int_equal(zone_parse(slice_make(file, len), &z, &why), 0);
    assert_int_equal(zone_segment_at(z, 999).offset_s, 0);
    assert_int_equal(zone_segment_at(z, 1000).offset_s, 3600);
    assert_int_equal(zone_segment_at(z, 1999).offset_s, 3600);
    struct zone_segment last = zone_segment_at(z, at("2500-01-01 00:00"));
    assert_int_equal(last.offset_s, 7200);
    assert_true(last.start == 2000 && last.end == INT64_MAX);
    zone_free(z);
}

static void no_zone_is_utc(void **unused)
{
    (void)unused;
    struct zone_segment s = zone_segment_at(NULL, 12345);
    assert_true(s.start == INT64_MIN && s.end == INT64_MAX && s.offset_s == 0);
}

static void a_name_is_a_path_without_tricks(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../../etc/passwd",
                                      "Europe//Berlin",
                                      "Europe/",
                                      ".",
                                      "Europe/../UTC",
                                      "Europe/Berlin ",
                                      "a\nb",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(zone_name_check(slice_of(bad[i])));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(zone_name_check(slice_of(names[i])));
    assert_null(zone_name_check(slice_of("America/Argentina/Buenos_Aires")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_agree_with_the_c_library_from_1900_to_2100),
        cmocka_unit_test(a_segment_ends_where_the_next_begins),
        cmocka_unit_test(rules_put_clocks_forward_and_back),
        cmocka_unit_test(rules_have_days_of_all_kinds),
        cmocka_unit_test(a_summer_of_all_year_has_no_gap),
        cmocka_unit_test(bad_rules_are_refused),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(changes_out_of_order_and_offsets_out_of_this_world_are_refused),
        cmocka_unit_test(an_index_without_a_type_is_refused),
        cmocka_unit_test(leap_seconds_are_refused_in_words),
        cmocka_unit_test(without_a_rule_the_last_change_stays),
        cmocka_unit_test(no_zone_is_utc),
        cmocka_unit_test(a_name_is_a_path_without_tricks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
