/* How much a function may log: a fake clock, and what passes. */
#include "dispatcher/log_budget.h"
#include "support/test.h"

enum { RATE = 64 * 1024, LINE = 992, COST = LINE + LOG_BUDGET_LINE_BYTES /* 1 KiB */ };

static const uint64_t START_NS = 5 * NS_PER_S;

/* How many of so many lines pass at that moment. */
static unsigned pass(struct log_budget *b, uint64_t rate, unsigned lines, uint64_t now_ns)
{
    unsigned passed = 0;
    for (unsigned i = 0; i < lines; i++)
        passed += log_budget_take(b, rate, LINE, now_ns);
    return passed;
}

static void a_second_of_it_passes_at_once_and_no_more(void **unused)
{
    (void)unused;
    struct log_budget b = {0};
    assert_int_equal(pass(&b, RATE, 1000, START_NS), RATE / COST);
    assert_int_equal(pass(&b, RATE, 1000, START_NS), 0);
}

static void it_comes_back_with_time(void **unused)
{
    (void)unused;
    struct log_budget b = {0};
    pass(&b, RATE, 1000, START_NS);
    assert_int_equal(pass(&b, RATE, 1000, START_NS + NS_PER_S / 4), RATE / COST / 4);
    assert_int_equal(pass(&b, RATE, 1000, START_NS + 3600 * NS_PER_S), RATE / COST);
}

static void looking_often_gives_no_more_than_looking_once(void **unused)
{
    (void)unused;
    struct log_budget b = {0};
    unsigned passed = 0;
    pass(&b, RATE, 1000, START_NS);
    for (uint64_t at_ns = 0; at_ns <= NS_PER_S; at_ns += 7 * NS_PER_US)
        passed += pass(&b, RATE, 1, START_NS + at_ns);
    assert_int_equal(passed, RATE / COST);
}

static void an_empty_line_is_not_free(void **unused)
{
    (void)unused;
    struct log_budget b = {0};
    unsigned passed = 0;
    for (unsigned i = 0; i < 100000; i++)
        passed += log_budget_take(&b, RATE, 0, START_NS);
    assert_int_equal(passed, RATE / LOG_BUDGET_LINE_BYTES);
}

static void the_longest_line_passes_at_the_lowest_rate(void **unused)
{
    (void)unused;
    struct log_budget b = {0};
    assert_true(log_budget_take(&b, 1024, 4000, START_NS));
    assert_true(log_budget_take(&b, 1024, 4000, START_NS));
    assert_false(log_budget_take(&b, 1024, 4000, START_NS));
    assert_false(log_budget_take(&b, 1024, 4000, START_NS + 3 * NS_PER_S));
    assert_true(log_budget_take(&b, 1024, 4000, START_NS + 4 * NS_PER_S));
}

static void what_is_dropped_is_counted_and_reported_a_second_later(void **unused)
{
    (void)unused;
    struct log_budget b = {0};
    assert_int_equal(log_budget_due_ns(&b), CLOCK_NEVER);
    unsigned passed = pass(&b, RATE, 100, START_NS);
    assert_int_equal(log_budget_due_ns(&b), START_NS + NS_PER_S);
    passed += pass(&b, RATE, 100, START_NS + NS_PER_S / 2);
    assert_int_equal(log_budget_due_ns(&b), START_NS + NS_PER_S);
    struct log_dropped dropped = log_budget_report(&b);
    assert_int_equal(dropped.lines, 200 - passed);
    assert_int_equal(dropped.bytes, (200 - passed) * LINE);
    assert_int_equal(log_budget_due_ns(&b), CLOCK_NEVER);
    assert_int_equal(log_budget_report(&b).lines, 0);
}

static void a_clock_that_stands_still_or_goes_back_gives_nothing(void **unused)
{
    (void)unused;
    struct log_budget b = {0};
    pass(&b, RATE, 1000, START_NS);
    assert_int_equal(pass(&b, RATE, 10, START_NS - NS_PER_S), 0);
    assert_int_equal(pass(&b, RATE, 10, START_NS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_of_it_passes_at_once_and_no_more),
        cmocka_unit_test(it_comes_back_with_time),
        cmocka_unit_test(looking_often_gives_no_more_than_looking_once),
        cmocka_unit_test(an_empty_line_is_not_free),
        cmocka_unit_test(the_longest_line_passes_at_the_lowest_rate),
        cmocka_unit_test(what_is_dropped_is_counted_and_reported_a_second_later),
        cmocka_unit_test(a_clock_that_stands_still_or_goes_back_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
