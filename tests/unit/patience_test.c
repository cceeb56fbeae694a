/* When acknowledgements may wait for the next message, by a clock of the test's own. */
#include "mqtt/patience.h"

#include "../support/test.h"
#include "shared/clock.h"

enum { SHORT_US = 100 };

static struct patience patience;
static uint64_t now_ns;

static int setup(void **unused)
{
    (void)unused;
    patience = (struct patience){0};
    now_ns = 3600 * NS_PER_S;
    return 0;
}

static void hear(enum patience_heard heard, uint64_t after_us)
{
    now_ns += after_us * NS_PER_US;
    patience_heard(&patience, heard, now_ns);
}

/* The broker's acknowledgement of the answer alone, then the next message. */
static void exchange(uint64_t silence_us)
{
    hear(PATIENCE_ACK, SHORT_US);
    hear(PATIENCE_MESSAGE, silence_us);
}

static void exchanges(unsigned count, uint64_t silence_us)
{
    for (unsigned i = 0; i < count; i++)
        exchange(silence_us);
}

static void given_patience(void)
{
    hear(PATIENCE_MESSAGE, 1000000);
    exchanges(PATIENCE_EXCHANGES, SHORT_US);
    assert_true(patience.is_on);
}

/* Is it on again within so many ms of the same conversation? */
static bool returns_within(uint64_t ms)
{
    for (uint64_t end_ns = now_ns + ms * NS_PER_MS; now_ns < end_ns && !patience.is_on;)
        exchange(SHORT_US);
    return patience.is_on;
}

static void a_row_of_exchanges_makes_it_patient(void **unused)
{
    (void)unused;
    hear(PATIENCE_MESSAGE, SHORT_US);
    exchanges(PATIENCE_EXCHANGES - 1, SHORT_US);
    assert_false(patience.is_on);
    exchange(SHORT_US);
    assert_true(patience.is_on);
}

static void so_do_messages_that_bring_the_acknowledgement_with_them(void **unused)
{
    (void)unused;
    hear(PATIENCE_MESSAGE, 1000000);
    for (unsigned i = 0; i < PATIENCE_EXCHANGES; i++)
        hear(PATIENCE_MESSAGE, SHORT_US);
    assert_true(patience.is_on);
}

static void company_begins_the_row_anew(void **unused)
{
    (void)unused;
    exchanges(PATIENCE_EXCHANGES, SHORT_US);
    hear(PATIENCE_COMPANY, SHORT_US);
    exchanges(PATIENCE_EXCHANGES - 1, SHORT_US);
    assert_false(patience.is_on);
}

static void messages_far_apart_are_no_conversation(void **unused)
{
    (void)unused;
    exchanges(100 * PATIENCE_EXCHANGES, PATIENCE_NS / NS_PER_US);
    assert_false(patience.is_on);
}

static void several_acknowledgements_for_a_message_are_none_either(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 100 * PATIENCE_EXCHANGES; i++) {
        hear(PATIENCE_ACK, SHORT_US);
        exchange(SHORT_US);
    }
    assert_false(patience.is_on);
}

static void it_stays_patient_while_messages_come_alone(void **unused)
{
    (void)unused;
    given_patience();
    for (unsigned i = 0; i < 1000; i++)
        hear(PATIENCE_MESSAGE, SHORT_US);
    assert_true(patience.is_on);
}

static void company_ends_it(void **unused)
{
    (void)unused;
    given_patience();
    hear(PATIENCE_COMPANY, SHORT_US);
    assert_false(patience.is_on);
}

static void an_acknowledgement_that_came_alone_ends_it(void **unused)
{
    (void)unused;
    given_patience();
    hear(PATIENCE_ACK, SHORT_US);
    assert_false(patience.is_on);
}

static void after_no_gain_the_next_try_waits(void **unused)
{
    (void)unused;
    given_patience();
    patience_over(&patience, now_ns);
    assert_false(patience.is_on);
    assert_false(returns_within(PATIENCE_RETRY_MIN_NS / NS_PER_MS - 1));
    assert_true(returns_within(2));
}

static void each_time_for_twice_as_long_up_to_a_bound(void **unused)
{
    (void)unused;
    given_patience();
    for (uint64_t wait_ms = PATIENCE_RETRY_MIN_NS / NS_PER_MS; wait_ms <= 6400; wait_ms *= 2) {
        patience_over(&patience, now_ns);
        assert_false(returns_within(wait_ms - 1));
        assert_true(returns_within(2));
    }
    for (unsigned i = 0; i < 2; i++) {
        patience_over(&patience, now_ns);
        assert_false(returns_within(PATIENCE_RETRY_MAX_NS / NS_PER_MS - 1));
        assert_true(returns_within(2));
    }
}

static void after_a_gain_the_next_try_is_near(void **unused)
{
    (void)unused;
    given_patience();
    for (unsigned i = 0; i < 5; i++) {
        patience_over(&patience, now_ns);
        assert_true(returns_within(PATIENCE_RETRY_MAX_NS / NS_PER_MS + 1));
    }
    for (unsigned i = 0; i < PATIENCE_PAID; i++)
        hear(PATIENCE_MESSAGE, SHORT_US);
    patience_over(&patience, now_ns);
    assert_true(returns_within(PATIENCE_RETRY_MIN_NS / NS_PER_MS + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_row_of_exchanges_makes_it_patient, setup),
        cmocka_unit_test_setup(so_do_messages_that_bring_the_acknowledgement_with_them, setup),
        cmocka_unit_test_setup(company_begins_the_row_anew, setup),
        cmocka_unit_test_setup(messages_far_apart_are_no_conversation, setup),
        cmocka_unit_test_setup(several_acknowledgements_for_a_message_are_none_either, setup),
        cmocka_unit_test_setup(it_stays_patient_while_messages_come_alone, setup),
        cmocka_unit_test_setup(company_ends_it, setup),
        cmocka_unit_test_setup(an_acknowledgement_that_came_alone_ends_it, setup),
        cmocka_unit_test_setup(after_no_gain_the_next_try_waits, setup),
        cmocka_unit_test_setup(each_time_for_twice_as_long_up_to_a_bound, setup),
        cmocka_unit_test_setup(after_a_gain_the_next_try_is_near, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
