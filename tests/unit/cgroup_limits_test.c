/* From a manifest's limits to those of the cgroup of its function. */
#include "dispatcher/cgroup_limits.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { MIB = 1 << 20 };

static const struct manifest four = {
    .instances_max = 4, .limit_memory_bytes = 64 * MIB, .limit_threads = 8, .limit_cpu_percent = 50};
static const struct manifest one = {.instances_max = 1, .limit_memory_bytes = 4 * MIB, .limit_threads = 1};

static void all_workers_and_the_one_that_tried_the_version_fit(void **unused)
{
    (void)unused;
    struct cgroup_limits l = cgroup_limits_of(&four);
    assert_int_equal(l.memory_bytes, 5LL * (64 + 16) * MIB);
    assert_int_equal(l.pids, 5 * 8 + 4);
    assert_int_equal(l.cpu_percent, 50);
    assert_int_equal(cgroup_limits_of(&one).pids, 2 + 4);
}

static void the_largest_manifest_does_not_overflow(void **unused)
{
    (void)unused;
    struct manifest m = {
        .instances_max = MANIFEST_INSTANCES_MAX, .limit_memory_bytes = 4096ull * MIB, .limit_threads = 256};
    struct cgroup_limits l = cgroup_limits_of(&m), sum = {0};
    assert_true(l.memory_bytes == 257ull * (4096 + 16) * MIB);
    cgroup_limits_add(&sum, &l, true);
    cgroup_limits_add(&sum, &l, false);
    assert_true(sum.memory_bytes == 2 * l.memory_bytes && sum.pids == 2 * l.pids);
}

static uint32_t percent_of(uint32_t first, uint32_t second)
{
    struct cgroup_limits sum = {0}, a = {.cpu_percent = first}, b = {.cpu_percent = second};
    cgroup_limits_add(&sum, &a, true);
    cgroup_limits_add(&sum, &b, false);
    return sum.cpu_percent;
}

static void while_two_versions_run_the_wider_quota_holds(void **unused)
{
    (void)unused;
    assert_int_equal(percent_of(20, 50), 50);
    assert_int_equal(percent_of(50, 20), 50);
    assert_int_equal(percent_of(0, 20), 0);
    assert_int_equal(percent_of(20, 0), 0);
    assert_int_equal(percent_of(0, 0), 0);
}

static void cpu_max_is(uint32_t percent, const char *expected)
{
    char buffer[CGROUP_VALUE_MAX];
    assert_string_equal(cgroup_cpu_max(percent, buffer), expected);
}

static void periods_are_short_and_quotas_not_too_small(void **unused)
{
    (void)unused;
    cpu_max_is(0, "max");
    cpu_max_is(1, "2000 200000");
    cpu_max_is(5, "2000 40000");
    cpu_max_is(20, "2000 10000");
    cpu_max_is(50, "5000 10000");
    cpu_max_is(100, "10000 10000");
    cpu_max_is(10000, "1000000 10000");
}

/* The kernel takes periods of 1 ms to 1 s and quotas of at least 1 ms. */
static void every_percentage_is_kept_within_a_hundredth(void **unused)
{
    (void)unused;
    for (uint32_t percent = 1; percent <= 10000; percent++) {
        char buffer[CGROUP_VALUE_MAX];
        unsigned long long quota, period;
        assert_int_equal(sscanf(cgroup_cpu_max(percent, buffer), "%llu %llu", &quota, &period), 2);
        assert_in_range(period, 1000, 1000000);
        assert_true(quota >= 1000);
        assert_true(llabs((long long)(quota * 100) - (long long)(percent * period)) <= (long long)period);
    }
}

static void counts_are_found_by_their_whole_key(void **unused)
{
    (void)unused;
    static const char events[] = "low 0\nhigh 1\nmax 22\noom 3\noom_kill 4\noom_group_kill 5\n";
    assert_int_equal(cgroup_parse_count(events, "oom_kill"), 4);
    assert_int_equal(cgroup_parse_count(events, "oom"), 3);
    assert_int_equal(cgroup_parse_count(events, "max"), 22);
    assert_int_equal(cgroup_parse_count(events, "kill"), 0);
    assert_int_equal(cgroup_parse_count("oom_kill", "oom_kill"), 0);
    assert_int_equal(cgroup_parse_count("", "oom_kill"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_workers_and_the_one_that_tried_the_version_fit),
        cmocka_unit_test(the_largest_manifest_does_not_overflow),
        cmocka_unit_test(while_two_versions_run_the_wider_quota_holds),
        cmocka_unit_test(periods_are_short_and_quotas_not_too_small),
        cmocka_unit_test(every_percentage_is_kept_within_a_hundredth),
        cmocka_unit_test(counts_are_found_by_their_whole_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
