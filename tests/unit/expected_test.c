#include "shared/expected.h"

#include "../support/test.h"

static void after_a_long_one_as_much_is_expected(void **unused)
{
    (void)unused;
    struct expected e = {0};
    assert_int_equal(expected_missing(&e, 0), 0);
    expected_learn(&e, 100000);
    assert_int_equal(expected_missing(&e, 0), 100000);
    assert_int_equal(expected_missing(&e, 99999), 1);
    assert_int_equal(expected_missing(&e, 100000), 0);
}

/* Acknowledgements and the like, each by itself. */
static void a_few_reads_of_something_else_may_come_between(void **unused)
{
    (void)unused;
    struct expected e = {0};
    expected_learn(&e, 100000);
    for (int i = 1; i < EXPECTED_READS; i++)
        expected_read(&e);
    assert_int_equal(expected_missing(&e, 0), 100000);
    expected_read(&e);
    assert_int_equal(expected_missing(&e, 0), 0);
    expected_read(&e);
    assert_int_equal(expected_missing(&e, 0), 0);
}

static void neither_a_short_one_nor_a_huge_one_is_expected_again(void **unused)
{
    (void)unused;
    struct expected e = {0};
    expected_learn(&e, EXPECTED_MIN);
    expected_learn(&e, (size_t)EXPECTED_MAX + 1);
    assert_int_equal(expected_missing(&e, 0), 0);
    expected_learn(&e, EXPECTED_MAX);
    expected_learn(&e, 10);
    assert_int_equal(expected_missing(&e, 0), EXPECTED_MAX);
}

static void what_is_expected_or_has_brought_much_is_read_in_place(void **unused)
{
    (void)unused;
    struct expected e = {0};
    assert_false(expected_in_place(&e, 0));
    assert_false(expected_in_place(&e, EXPECTED_MIN));
    assert_true(expected_in_place(&e, EXPECTED_MIN + 1));
    expected_learn(&e, 100000);
    assert_true(expected_in_place(&e, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_long_one_as_much_is_expected),
        cmocka_unit_test(a_few_reads_of_something_else_may_come_between),
        cmocka_unit_test(neither_a_short_one_nor_a_huge_one_is_expected_again),
        cmocka_unit_test(what_is_expected_or_has_brought_much_is_read_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
