#include "dispatcher/hops.h"
#include "support/test.h"

#include <string.h>

static uint32_t hops_of(const char *value)
{
    const struct property p[] = {{slice_of("colour"), slice_of("3")}, {slice_of(HOPS_KEY), slice_of(value)}};
    return hops_read(p, 2);
}

static void none_is_0(void **unused)
{
    (void)unused;
    const struct property p[] = {{slice_of("hark-hop"), slice_of("3")},
                                 {slice_of("hark-hopss"), slice_of("3")}};
    assert_int_equal(hops_read(NULL, 0), 0);
    assert_int_equal(hops_read(p, 2), 0);
}

static void a_number_is_what_it_says(void **unused)
{
    (void)unused;
    assert_int_equal(hops_of("0"), 0);
    assert_int_equal(hops_of("15"), 15);
    assert_int_equal(hops_of("0016"), 16);
    assert_int_equal(hops_of("4294967295"), UINT32_MAX);
}

static void what_is_no_number_counts_for_nothing(void **unused)
{
    (void)unused;
    static const char *const values[] = {"",     "-1",  "+5",  " 5",    "5 ",
                                         "five", "5.0", "0x5", "5five", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(hops_of(values[i]), 0);
}

static void a_huge_number_is_the_largest(void **unused)
{
    (void)unused;
    assert_int_equal(hops_of("4294967296"), UINT32_MAX);
    assert_int_equal(hops_of("99999999999999999999999999999999999999999999"), UINT32_MAX);
}

static void of_several_the_largest_counts(void **unused)
{
    (void)unused;
    const struct property p[] = {{slice_of(HOPS_KEY), slice_of("2")},
                                 {slice_of(HOPS_KEY), slice_of("9")},
                                 {slice_of(HOPS_KEY), slice_of("nine")},
                                 {slice_of(HOPS_KEY), slice_of("4")}};
    assert_int_equal(hops_read(p, 4), 9);
}

static void the_next_is_one_more_and_never_wraps(void **unused)
{
    (void)unused;
    char text[HOPS_TEXT_MAX];
    assert_true(slice_equal(hops_next(0, text).value, slice_of("1")));
    assert_true(slice_equal(hops_next(15, text).value, slice_of("16")));
    assert_true(slice_equal(hops_next(UINT32_MAX, text).value, slice_of("4294967295")));
    assert_true(slice_equal(hops_next(0, text).key, slice_of("hark-hops")));
}

static void they_are_used_up_at_16(void **unused)
{
    (void)unused;
    assert_false(hops_are_used_up(15));
    assert_true(hops_are_used_up(16));
    assert_true(hops_are_used_up(UINT32_MAX));
}

static void a_copy_is_without_what_is_harks(void **unused)
{
    (void)unused;
    struct property p[] = {{slice_of("hark-hops"), slice_of("0")},
                           {slice_of("hark"), slice_of("a")},
                           {slice_of("hark-"), slice_of("b")},
                           {slice_of("Hark-x"), slice_of("c")},
                           {slice_of("hark-error"), slice_of("d")}};
    assert_int_equal(hops_copy_own(p, p, 5), 2);
    assert_true(slice_equal(p[0].value, slice_of("a")));
    assert_true(slice_equal(p[1].value, slice_of("c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_0),
        cmocka_unit_test(a_number_is_what_it_says),
        cmocka_unit_test(what_is_no_number_counts_for_nothing),
        cmocka_unit_test(a_huge_number_is_the_largest),
        cmocka_unit_test(of_several_the_largest_counts),
        cmocka_unit_test(the_next_is_one_more_and_never_wraps),
        cmocka_unit_test(they_are_used_up_at_16),
        cmocka_unit_test(a_copy_is_without_what_is_harks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
