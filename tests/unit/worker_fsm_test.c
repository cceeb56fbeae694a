/* Every cell of the table: what a worker is, what happens, what it is then, and what the dispatcher must do.
 */
#include "dispatcher/worker_fsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum worker_state state;
static enum worker_action action;

static void given_a_worker_that_is(enum worker_state now)
{
    state = now;
}

static void when_it_meets(enum worker_event event)
{
    struct worker_step step = worker_fsm_step(state, event);
    state = step.state;
    action = step.action;
}

static void then_it_is(enum worker_state expected)
{
    assert_string_equal(worker_state_name(state), worker_state_name(expected));
}

static void and_the_dispatcher_must(enum worker_action expected)
{
    assert_int_equal(action, expected);
}

struct expected {
    enum worker_event event;
    enum worker_state state;
    enum worker_action action;
};

/* What is not named has no meaning: it is refused and changes nothing. */
static void expect_only(enum worker_state from, const struct expected *cells, size_t count)
{
    for (enum worker_event event = 0; event < WE_COUNT; event++) {
        struct expected cell = {event, from, WA_REFUSE};
        for (size_t i = 0; i < count; i++) {
            if (cells[i].event == event)
                cell = cells[i];
        }
        given_a_worker_that_is(from);
        when_it_meets(event);
        then_it_is(cell.state);
        and_the_dispatcher_must(cell.action);
    }
}

#define EXPECT_ONLY(from, ...)                                                                               \
    expect_only((from), (const struct expected[]){__VA_ARGS__},                                              \
                sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

static void a_starting_worker_gets_ready_or_goes(void **unused)
{
    (void)unused;
    EXPECT_ONLY(WS_STARTING, {WE_READY, WS_IDLE, WA_TELL_READY}, {WE_READY_TO_RUN, WS_BUSY, WA_TELL_READY},
                {WE_INVOKE, WS_STARTING, WA_SEND}, {WE_LATE, WS_KILLING, WA_KILL},
                {WE_BROKEN, WS_KILLING, WA_KILL}, {WE_CLOSED, WS_KILLING, WA_KILL},
                {WE_STOP, WS_KILLING, WA_KILL}, {WE_ABORT, WS_KILLING, WA_KILL}, {WE_EXIT, WS_GONE, WA_END});
}

static void an_idle_worker_takes_a_call_and_owes_no_result(void **unused)
{
    (void)unused;
    EXPECT_ONLY(WS_IDLE, {WE_INVOKE, WS_BUSY, WA_SEND}, {WE_LATE, WS_IDLE, WA_NONE},
                {WE_BROKEN, WS_KILLING, WA_KILL}, {WE_CLOSED, WS_KILLING, WA_KILL},
                {WE_STOP, WS_STOPPING, WA_SEND_STOP}, {WE_ABORT, WS_KILLING, WA_KILL},
                {WE_EXIT, WS_GONE, WA_END});
}

static void a_busy_worker_goes_idle_with_its_last_result(void **unused)
{
    (void)unused;
    EXPECT_ONLY(WS_BUSY, {WE_INVOKE, WS_BUSY, WA_SEND}, {WE_RESULT, WS_BUSY, WA_COMPLETE},
                {WE_LAST_RESULT, WS_IDLE, WA_COMPLETE}, {WE_LATE, WS_KILLING, WA_KILL},
                {WE_BROKEN, WS_KILLING, WA_KILL}, {WE_CLOSED, WS_KILLING, WA_KILL},
                {WE_STOP, WS_DRAINING, WA_NONE}, {WE_ABORT, WS_KILLING, WA_KILL}, {WE_EXIT, WS_GONE, WA_END});
}

static void a_draining_worker_is_stopped_by_its_last_result(void **unused)
{
    (void)unused;
    EXPECT_ONLY(WS_DRAINING, {WE_RESULT, WS_DRAINING, WA_COMPLETE},
                {WE_LAST_RESULT, WS_STOPPING, WA_COMPLETE_THEN_STOP}, {WE_LATE, WS_KILLING, WA_KILL},
                {WE_BROKEN, WS_KILLING, WA_KILL}, {WE_CLOSED, WS_KILLING, WA_KILL},
                {WE_STOP, WS_DRAINING, WA_NONE}, {WE_ABORT, WS_KILLING, WA_KILL}, {WE_EXIT, WS_GONE, WA_END});
}

static void a_stopping_worker_may_close_its_channel(void **unused)
{
    (void)unused;
    EXPECT_ONLY(WS_STOPPING, {WE_LATE, WS_KILLING, WA_KILL}, {WE_BROKEN, WS_KILLING, WA_KILL},
                {WE_CLOSED, WS_STOPPING, WA_NONE}, {WE_STOP, WS_STOPPING, WA_NONE},
                {WE_ABORT, WS_KILLING, WA_KILL}, {WE_EXIT, WS_GONE, WA_END});
}

static void what_crosses_the_kill_is_dropped(void **unused)
{
    (void)unused;
    EXPECT_ONLY(WS_KILLING, {WE_READY, WS_KILLING, WA_NONE}, {WE_READY_TO_RUN, WS_KILLING, WA_NONE},
                {WE_RESULT, WS_KILLING, WA_NONE}, {WE_LAST_RESULT, WS_KILLING, WA_NONE},
                {WE_LATE, WS_KILLING, WA_NONE}, {WE_BROKEN, WS_KILLING, WA_NONE},
                {WE_CLOSED, WS_KILLING, WA_NONE}, {WE_STOP, WS_KILLING, WA_NONE},
                {WE_ABORT, WS_KILLING, WA_NONE}, {WE_EXIT, WS_GONE, WA_END});
}

static void nothing_happens_to_a_worker_that_is_gone(void **unused)
{
    (void)unused;
    expect_only(WS_GONE, NULL, 0);
}

static void every_state_and_event_has_a_name_of_its_own(void **unused)
{
    (void)unused;
    for (enum worker_state a = 0; a < WS_COUNT; a++) {
        for (enum worker_state b = 0; b < a; b++)
            assert_string_not_equal(worker_state_name(a), worker_state_name(b));
    }
    for (enum worker_event a = 0; a < WE_COUNT; a++) {
        for (enum worker_event b = 0; b < a; b++)
            assert_string_not_equal(worker_event_name(a), worker_event_name(b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_starting_worker_gets_ready_or_goes),
        cmocka_unit_test(an_idle_worker_takes_a_call_and_owes_no_result),
        cmocka_unit_test(a_busy_worker_goes_idle_with_its_last_result),
        cmocka_unit_test(a_draining_worker_is_stopped_by_its_last_result),
        cmocka_unit_test(a_stopping_worker_may_close_its_channel),
        cmocka_unit_test(what_crosses_the_kill_is_dropped),
        cmocka_unit_test(nothing_happens_to_a_worker_that_is_gone),
        cmocka_unit_test(every_state_and_event_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("worker_fsm", tests, NULL, NULL);
}
