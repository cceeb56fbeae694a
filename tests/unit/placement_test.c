/* Which core a worker runs on, by the calls that it gets. */
#include "dispatcher/placement.h"

#include "../support/test.h"

#include <stdbool.h>

enum { SHORT_NS = 50 * 1000, PAUSE_NS = 1000 * 1000, LONG_NS = 5 * 1000 * 1000 };

static struct placement place;
static uint64_t now_ns;

static int setup(void **unused)
{
    (void)unused;
    place = PLACEMENT_INITIAL;
    now_ns = 1ull << 40;
    return 0;
}

static int calls_leave(uint32_t load, uint64_t service_ns, int cpu)
{
    now_ns += PAUSE_NS;
    return placement_next(&place, now_ns, load, service_ns, cpu);
}

static int lone_call(int cpu)
{
    return calls_leave(1, SHORT_NS, cpu);
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
    assert_int_equal(calls_leave(2, SHORT_NS, 1), PLACEMENT_ANYWHERE);
    assert_int_equal(calls_leave(2, SHORT_NS, 1), PLACEMENT_AS_IT_IS);
    given_a_conversation_on(1);
}

static void a_batch_now_and_then_is_no_conversation(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++)
        assert_int_equal(calls_leave(i % 8 == 0 ? 3 : 1, SHORT_NS, 1), PLACEMENT_AS_IT_IS);
}

static void long_calls_let_it_go(void **unused)
{
    (void)unused;
    given_a_conversation_on(0);
    assert_int_equal(calls_leave(1, LONG_NS, 0), PLACEMENT_ANYWHERE);
    for (int i = 0; i < 100; i++)
        assert_int_equal(calls_leave(1, LONG_NS, 0), PLACEMENT_AS_IT_IS);
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

static void calls_in_haste_let_it_go(void **unused)
{
    (void)unused;
    bool is_let_go = false;
    given_a_conversation_on(0);
    for (int i = 0; i < 100; i++) {
        now_ns += 100 * 1000;
        is_let_go |= placement_next(&place, now_ns, 1, SHORT_NS, 0) == PLACEMENT_ANYWHERE;
    }
    assert_true(is_let_go);
    assert_int_equal(place.cpu, PLACEMENT_ANYWHERE);
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
        cmocka_unit_test_setup(calls_in_haste_let_it_go, setup),
        cmocka_unit_test_setup(an_unknown_core_lets_it_go, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
