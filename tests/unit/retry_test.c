#include "dispatcher/retry.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { MS = NS_PER_MS };

/* The longest and the shortest delay that some random number gives. */
static uint64_t most(uint64_t backoff_ns, uint64_t max_ns, uint32_t attempts)
{
    uint64_t whole = retry_delay_ns(backoff_ns, max_ns, attempts, 0) * 2;
    uint64_t longest = 0;
    for (uint64_t random = whole / 2 > 2 ? whole / 2 - 2 : 0; random < whole / 2 + 2; random++) {
        uint64_t delay = retry_delay_ns(backoff_ns, max_ns, attempts, random);
        longest = delay > longest ? delay : longest;
    }
    return longest;
}

static uint64_t least(uint64_t backoff_ns, uint64_t max_ns, uint32_t attempts)
{
    return retry_delay_ns(backoff_ns, max_ns, attempts, 0);
}

static void each_attempt_doubles_the_delay(void **unused)
{
    (void)unused;
    for (uint32_t attempts = 1; attempts <= 10; attempts++) {
        uint64_t whole = 200ull * MS << (attempts - 1);
        assert_int_equal(least(200 * MS, 3600 * NS_PER_S, attempts), whole / 2);
        assert_int_equal(most(200 * MS, 3600 * NS_PER_S, attempts), whole);
    }
}

static void the_delay_never_exceeds_its_bound(void **unused)
{
    (void)unused;
    assert_int_equal(most(200 * MS, 700 * MS, 3), 700 * MS);
    assert_int_equal(most(200 * MS, 700 * MS, 100), 700 * MS);
    assert_int_equal(most(200 * MS, 700 * MS, UINT32_MAX), 700 * MS);
    assert_int_equal(most(900 * MS, 700 * MS, 1), 700 * MS);
}

static void the_jitter_stays_between_half_and_whole(void **unused)
{
    (void)unused;
    uint64_t random = 88172645463325252ull;
    bool low = false, high = false;
    for (int i = 0; i < 10000; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t delay = retry_delay_ns(100 * MS, 1000 * MS, 2, random >> 7);
        assert_in_range(delay, 100 * MS, 200 * MS);
        low |= delay < 110 * MS;
        high |= delay > 190 * MS;
    }
    assert_true(low && high);
}

static void the_largest_numbers_do_not_wrap(void **unused)
{
    (void)unused;
    assert_int_equal(least(1, UINT64_MAX, UINT32_MAX), UINT64_MAX / 2 + 1);
    assert_int_equal(retry_delay_ns(UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT64_MAX / 2), UINT64_MAX);
    assert_in_range(retry_delay_ns(UINT64_MAX / 2 + 1, UINT64_MAX, 2, UINT64_MAX), UINT64_MAX / 2,
                    UINT64_MAX);
    assert_int_equal(most(1ull << 63, (1ull << 63) + 5, 9), (1ull << 63) + 5);
}

static void the_smallest_delays_are_kept(void **unused)
{
    (void)unused;
    assert_int_equal(retry_delay_ns(1, 1000, 1, 12345), 1);
    assert_int_equal(least(2, 1000, 1), 1);
    assert_int_equal(most(3, 1000, 1), 3);
    assert_int_equal(least(3, 1000, 1), 2);
}

static void nothing_waits_when_there_is_no_backoff(void **unused)
{
    (void)unused;
    assert_int_equal(retry_delay_ns(0, 1000, UINT32_MAX, 7), 0);
    assert_int_equal(retry_delay_ns(100, 0, 3, 7), 0);
}

static void no_attempt_counts_as_the_first(void **unused)
{
    (void)unused;
    assert_int_equal(least(200 * MS, 1000 * MS, 0), 100 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_attempt_doubles_the_delay),
        cmocka_unit_test(the_delay_never_exceeds_its_bound),
        cmocka_unit_test(the_jitter_stays_between_half_and_whole),
        cmocka_unit_test(the_largest_numbers_do_not_wrap),
        cmocka_unit_test(the_smallest_delays_are_kept),
        cmocka_unit_test(nothing_waits_when_there_is_no_backoff),
        cmocka_unit_test(no_attempt_counts_as_the_first),
    };
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
