/* When the loop looks away for a moment so that messages gather, by a clock of the test's own. */
#include "dispatcher/gather.h"

#include "../support/test.h"
#include "shared/clock.h"

static struct gather gather;
static uint64_t now_ns;
static const int function, another;

static int setup(void **unused)
{
    (void)unused;
    gather = (struct gather){0};
    now_ns = 3600 * NS_PER_S;
    return 0;
}

/* A turn with `messages` for `who`, each beside others that are at work or not. The pause that follows it. */
static uint64_t turn_for(const void *who, unsigned messages, bool is_alone)
{
    for (unsigned i = 0; i < messages; i++)
        gather_heard(&gather, who, is_alone && i == 0);
    return gather_turn(&gather, now_ns);
}

/* Turns for so long, with `messages` every `every_us`, and after pauses too. Were there any? */
static bool pauses_in(uint64_t lasting_ms, unsigned messages, uint64_t every_us, bool is_alone)
{
    bool paused = false;
    for (uint64_t end_ns = now_ns + lasting_ms * NS_PER_MS; now_ns < end_ns;) {
        now_ns += every_us * NS_PER_US;
        paused |= turn_for(&function, messages, is_alone) > 0;
    }
    return paused;
}

/* Twenty thousand a second, until pauses are made. */
static void given_a_flood_with_pauses(void)
{
    assert_true(pauses_in(25, 1, 50, false));
}

static bool pauses_now(void)
{
    return turn_for(&function, 0, true) > 0;
}

static void a_flood_of_single_messages_is_gathered(void **unused)
{
    (void)unused;
    assert_true(pauses_in(25, 1, 50, false));
    assert_true(pauses_in(200, 4, 200, false));
    assert_true(pauses_now());
}

static void a_pause_has_a_bound(void **unused)
{
    (void)unused;
    given_a_flood_with_pauses();
    assert_in_range(turn_for(&function, 1, false), 1, 100 * NS_PER_US);
}

static void a_thousand_a_second_never_wait(void **unused)
{
    (void)unused;
    assert_false(pauses_in(3000, 1, 1000, false));
}

static void a_conversation_never_waits_however_fast(void **unused)
{
    (void)unused;
    assert_false(pauses_in(3000, 1, 30, true));
}

static void messages_that_come_together_anyway_do_not_wait(void **unused)
{
    (void)unused;
    assert_false(pauses_in(3000, 16, 100, false));
}

static void when_less_comes_for_the_pauses_they_end(void **unused)
{
    (void)unused;
    given_a_flood_with_pauses();
    pauses_in(50, 1, 160, false);
    assert_false(pauses_now());
}

static void one_poor_moment_is_no_proof(void **unused)
{
    (void)unused;
    given_a_flood_with_pauses();
    pauses_in(15, 1, 160, false);
    pauses_in(20, 4, 200, false);
    pauses_in(15, 1, 160, false);
    assert_true(pauses_now());
}

/* A window of four: quick while it is let, and slow with pauses. */
static void pauses_that_are_no_gain_are_tried_ever_more_rarely(void **unused)
{
    uint64_t paused_ns = 0, from_ns = now_ns;
    (void)unused;
    while (now_ns < from_ns + 10 * NS_PER_S) {
        bool paused = turn_for(&function, 1, false) > 0;
        now_ns += (paused ? 180 : 60) * NS_PER_US;
        paused_ns += paused ? 180 * NS_PER_US : 0;
    }
    assert_in_range(paused_ns, 1, 10 * NS_PER_S / 20);
}

static void whoever_else_has_a_message_does_not_wait_for_the_flood(void **unused)
{
    (void)unused;
    given_a_flood_with_pauses();
    now_ns += 50 * NS_PER_US;
    assert_int_equal(turn_for(&another, 1, true), 0);
    assert_false(pauses_in(900, 1, 50, false));
    assert_true(pauses_in(300, 1, 50, false));
}

static void a_message_after_a_silence_does_not_wait(void **unused)
{
    (void)unused;
    given_a_flood_with_pauses();
    now_ns += 200 * NS_PER_MS;
    assert_int_equal(turn_for(&function, 1, true), 0);
}

static void pauses_are_weighed_again_now_and_then(void **unused)
{
    bool once_without = false;
    (void)unused;
    given_a_flood_with_pauses();
    for (int i = 0; i < 2000 && !once_without; i++)
        once_without = !pauses_in(1, 4, 200, false);
    assert_true(once_without);
    assert_true(pauses_in(25, 1, 50, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_flood_of_single_messages_is_gathered, setup),
        cmocka_unit_test_setup(a_pause_has_a_bound, setup),
        cmocka_unit_test_setup(a_thousand_a_second_never_wait, setup),
        cmocka_unit_test_setup(a_conversation_never_waits_however_fast, setup),
        cmocka_unit_test_setup(messages_that_come_together_anyway_do_not_wait, setup),
        cmocka_unit_test_setup(when_less_comes_for_the_pauses_they_end, setup),
        cmocka_unit_test_setup(one_poor_moment_is_no_proof, setup),
        cmocka_unit_test_setup(pauses_that_are_no_gain_are_tried_ever_more_rarely, setup),
        cmocka_unit_test_setup(whoever_else_has_a_message_does_not_wait_for_the_flood, setup),
        cmocka_unit_test_setup(a_message_after_a_silence_does_not_wait, setup),
        cmocka_unit_test_setup(pauses_are_weighed_again_now_and_then, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
