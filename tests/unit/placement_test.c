/* Which core a worker runs on, by the calls that it gets. */
#include "dispatcher/placement.h"

#include "../support/test.h"

enum { SHORT_NS = 50 * 1000, LONG_NS = 5 * 1000 * 1000 };

static struct placement place;

static int setup(void **unused)
{
    (void)unused;
    place = PLACEMENT_INITIAL;
    return 0;
}

static int lone_call(int cpu)
{
    return placement_next(&place, 1, SHORT_NS, cpu);
}

static void given_a_conversation_on(int cpu)
{
    for (int i = 1; i < PLACEMENT_LONE_CALLS; i++)
        assert_int_equal(lone_call(cpu), PLACEMENT_AS_IT_IS);
    assert_int_equal(lone_call(cpu), cpu);
}

static void a_conversation_goes_where_the_dispatcher_is(void **unused)
{
    (void)unused;
    given_a_conversation_on(1);
    assert_int_equal(lone_call(1), PLACEMENT_AS_IT_IS);
}

static void it_follows_the_dispatcher_at_once(void **unused)
{
    (void)unused;
    given_a_conversation_on(1);
    assert_int_equal(lone_call(0), 0);
    assert_int_equal(lone_call(0), PLACEMENT_AS_IT_IS);
}

static void a_second_call_lets_it_go(void **unused)
{
    (void)unused;
    given_a_conversation_on(1);
    assert_int_equal(placement_next(&place, 2, SHORT_NS, 1), PLACEMENT_ANYWHERE);
    assert_int_equal(placement_next(&place, 2, SHORT_NS, 1), PLACEMENT_AS_IT_IS);
    given_a_conversation_on(1);
}

static void a_batch_now_and_then_is_no_conversation(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++)
        assert_int_equal(placement_next(&place, i % 8 == 0 ? 3 : 1, SHORT_NS, 1), PLACEMENT_AS_IT_IS);
}

static void long_calls_let_it_go(void **unused)
{
    (void)unused;
    given_a_conversation_on(0);
    assert_int_equal(placement_next(&place, 1, LONG_NS, 0), PLACEMENT_ANYWHERE);
    for (int i = 0; i < 100; i++)
        assert_int_equal(placement_next(&place, 1, LONG_NS, 0), PLACEMENT_AS_IT_IS);
}

static void a_call_that_lasts_lets_it_go_before_it_ends(void **unused)
{
    (void)unused;
    given_a_conversation_on(0);
    assert_int_equal(placement_look(&place, SHORT_NS), PLACEMENT_AS_IT_IS);
    assert_int_equal(placement_look(&place, LONG_NS), PLACEMENT_ANYWHERE);
    assert_int_equal(placement_look(&place, LONG_NS), PLACEMENT_AS_IT_IS);
}

static void an_unknown_core_lets_it_go(void **unused)
{
    (void)unused;
    given_a_conversation_on(0);
    assert_int_equal(lone_call(-1), PLACEMENT_ANYWHERE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_conversation_goes_where_the_dispatcher_is, setup),
        cmocka_unit_test_setup(it_follows_the_dispatcher_at_once, setup),
        cmocka_unit_test_setup(a_second_call_lets_it_go, setup),
        cmocka_unit_test_setup(a_batch_now_and_then_is_no_conversation, setup),
        cmocka_unit_test_setup(long_calls_let_it_go, setup),
        cmocka_unit_test_setup(a_call_that_lasts_lets_it_go_before_it_ends, setup),
        cmocka_unit_test_setup(an_unknown_core_lets_it_go, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
