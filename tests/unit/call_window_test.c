/* How many calls are sent ahead, by the time that calls took. */
#include "dispatcher/call_window.h"

#include "../support/test.h"

static void the_first_call_goes_alone(void **unused)
{
    (void)unused;
    assert_int_equal(CALL_WINDOW_INITIAL.calls, 1);
}

static void short_calls_go_many_at_a_time_but_not_without_end(void **unused)
{
    struct call_window w = CALL_WINDOW_INITIAL;
    (void)unused;
    call_window_learn(&w, 20000, 1);
    assert_int_equal(w.calls, CALL_WINDOW_NS / 20000);
    for (int i = 0; i < 200; i++)
        call_window_learn(&w, 0, 1);
    assert_int_equal(w.calls, CALL_WINDOW_MAX);
}

static void a_long_call_has_nothing_behind_it(void **unused)
{
    struct call_window w = CALL_WINDOW_INITIAL;
    (void)unused;
    call_window_learn(&w, CALL_WINDOW_NS * 3ull, 1);
    assert_int_equal(w.calls, 1);
}

static void a_batch_is_no_row_of_calls_without_a_duration(void **unused)
{
    struct call_window w = CALL_WINDOW_INITIAL;
    (void)unused;
    for (int i = 0; i < 10; i++)
        call_window_learn(&w, 1000000, 10);
    assert_int_equal(w.service_ns, 100000);
    assert_int_equal(w.calls, CALL_WINDOW_NS / 100000);
}

static void one_long_call_among_short_ones_does_not_undo_the_mean(void **unused)
{
    struct call_window w = CALL_WINDOW_INITIAL;
    (void)unused;
    for (int i = 0; i < 10; i++)
        call_window_learn(&w, 160000, 16);
    call_window_learn(&w, 160000, 1);
    assert_in_range(w.service_ns, 10000, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_call_goes_alone),
        cmocka_unit_test(short_calls_go_many_at_a_time_but_not_without_end),
        cmocka_unit_test(a_long_call_has_nothing_behind_it),
        cmocka_unit_test(a_batch_is_no_row_of_calls_without_a_duration),
        cmocka_unit_test(one_long_call_among_short_ones_does_not_undo_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
