/* The auditor's book: what it calls lost, unexplained and out of order, and what it lets pass. */
#include "audit/ledger.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define S(seconds) ((uint64_t)((seconds)*1e9))

enum { ORDERED, FREE, DOOMED };

static struct ledger *ledger;
static FILE *findings;

static int fresh_ledger(void **unused)
{
    (void)unused;
    const struct ledger_stream streams[] = {{"ordered", true, 0}, {"free", false, 0}, {"doomed", true, 2}};
    ledger = ledger_create(streams, 3);
    findings = fopen("/dev/null", "we");
    return findings ? 0 : -1;
}

static int ledger_is_gone(void **unused)
{
    (void)unused;
    fclose(findings);
    ledger_destroy(ledger);
    return 0;
}

static struct ledger_totals judged(void)
{
    return ledger_judge(ledger, findings, 0);
}

static unsigned long sent_at(size_t stream, unsigned key, double second)
{
    return ledger_send(ledger, stream, key, S(second));
}

/* Received, given and arrived. */
static void answered_at(size_t stream, unsigned long number, double second)
{
    ledger_receive(ledger, stream, number);
    ledger_give(ledger, stream, number, S(second));
    ledger_answer(ledger, stream, number, S(second));
}

static void every_message_with_its_answer_is_clean(void **unused)
{
    (void)unused;
    for (unsigned i = 1; i <= 100; i++)
        answered_at(ORDERED, sent_at(ORDERED, i % 3, i), i + 0.5);
    struct ledger_totals t = judged();
    assert_true(ledger_is_clean(&t));
    assert_int_equal(t.sent, 100);
    assert_int_equal(t.answered, 100);
}

static void nothing_sent_is_not_clean(void **unused)
{
    (void)unused;
    struct ledger_totals t = judged();
    assert_false(ledger_is_clean(&t));
}

static void an_answer_that_never_came_is_lost(void **unused)
{
    (void)unused;
    answered_at(FREE, sent_at(FREE, 0, 1), 2);
    sent_at(FREE, 0, 1);
    assert_int_equal(ledger_open(ledger, FREE), 1);
    assert_int_equal(ledger_open_in_all(ledger), 1);
    struct ledger_totals t = judged();
    assert_int_equal(t.lost, 1);
    assert_false(ledger_is_clean(&t));
}

static struct ledger_totals repeated(double sent, double first, double again)
{
    unsigned long number = sent_at(FREE, 0, sent);
    answered_at(FREE, number, first);
    answered_at(FREE, number, again);
    return judged();
}

static void without_a_fault_a_second_answer_is_unexplained(void **unused)
{
    (void)unused;
    struct ledger_totals t = repeated(10, 11, 12);
    assert_int_equal(t.unexplained, 1);
    assert_int_equal(t.repeated, 0);
    assert_false(ledger_is_clean(&t));
}

static void a_fault_while_it_was_under_way_explains_it(void **unused)
{
    (void)unused;
    ledger_repeats(ledger, S(10.5));
    struct ledger_totals t = repeated(10, 11, 12);
    assert_int_equal(t.unexplained, 0);
    assert_int_equal(t.repeated, 1);
    assert_true(ledger_is_clean(&t));
}

static void a_fault_before_it_was_sent_explains_nothing(void **unused)
{
    (void)unused;
    ledger_repeats(ledger, S(9.9));
    assert_int_equal(repeated(10, 11, 12).unexplained, 1);
}

static void a_fault_long_after_its_answer_explains_nothing(void **unused)
{
    (void)unused;
    ledger_repeats(ledger, S(14));
    assert_int_equal(repeated(10, 11, 15).unexplained, 1);
}

static void a_fault_after_it_came_again_explains_nothing(void **unused)
{
    (void)unused;
    ledger_repeats(ledger, S(12.5));
    assert_int_equal(repeated(10, 11, 12).unexplained, 1);
}

/* Acknowledgements leave in order, so it was under way for as long as the one before it. */
static void a_message_is_under_way_until_all_before_it_are_answered(void **unused)
{
    (void)unused;
    unsigned long slow = sent_at(FREE, 0, 9);
    ledger_repeats(ledger, S(20));
    answered_at(FREE, slow, 21);
    assert_int_equal(repeated(10, 11, 22).repeated, 1);
}

static void a_hold_keeps_it_under_way(void **unused)
{
    (void)unused;
    ledger_holds(ledger, S(12), S(18));
    ledger_holds(ledger, S(19), S(25));
    ledger_repeats(ledger, S(26));
    assert_int_equal(repeated(10, 11, 27).repeated, 1);
}

static void a_hold_that_begins_later_does_not(void **unused)
{
    (void)unused;
    ledger_holds(ledger, S(14), S(25));
    ledger_repeats(ledger, S(26));
    assert_int_equal(repeated(10, 11, 27).unexplained, 1);
}

static void an_answer_given_behind_a_later_one_of_its_key_is_out_of_order(void **unused)
{
    (void)unused;
    unsigned long first = sent_at(ORDERED, 1, 1), second = sent_at(ORDERED, 1, 1);
    ledger_receive(ledger, ORDERED, first);
    ledger_receive(ledger, ORDERED, second);
    answered_at(ORDERED, second, 2);
    answered_at(ORDERED, first, 3);
    struct ledger_totals t = judged();
    assert_int_equal(t.disordered, 1);
    assert_int_equal(t.shuffled, 0);
    assert_false(ledger_is_clean(&t));
}

static void keys_and_streams_without_order_may_pass_each_other(void **unused)
{
    (void)unused;
    unsigned long key_1 = sent_at(ORDERED, 1, 1), key_2 = sent_at(ORDERED, 2, 1);
    unsigned long first = sent_at(FREE, 0, 1), second = sent_at(FREE, 0, 1);
    answered_at(ORDERED, key_2, 2);
    answered_at(ORDERED, key_1, 2);
    answered_at(FREE, second, 2);
    answered_at(FREE, first, 2);
    struct ledger_totals t = judged();
    assert_true(ledger_is_clean(&t));
}

static void an_order_that_the_broker_changed_is_not_harks(void **unused)
{
    (void)unused;
    unsigned long a = sent_at(ORDERED, 1, 1), b = sent_at(ORDERED, 1, 1);
    answered_at(ORDERED, b, 2); /* received first */
    answered_at(ORDERED, a, 2);
    unsigned long c = sent_at(ORDERED, 1, 3), d = sent_at(ORDERED, 1, 3);
    ledger_receive(ledger, ORDERED, c);
    ledger_receive(ledger, ORDERED, d);
    ledger_give(ledger, ORDERED, c, S(4));
    ledger_give(ledger, ORDERED, d, S(4));
    ledger_answer(ledger, ORDERED, d, S(4));
    ledger_answer(ledger, ORDERED, c, S(4));
    struct ledger_totals t = judged();
    assert_int_equal(t.disordered, 0);
    assert_true(t.shuffled >= 2);
    assert_true(ledger_is_clean(&t));
}

static void what_only_crashes_has_to_become_a_dead_letter(void **unused)
{
    (void)unused;
    answered_at(DOOMED, sent_at(DOOMED, 0, 1), 2);
    unsigned long doomed = sent_at(DOOMED, 0, 1);
    assert_int_equal(judged().lost, 1);
    ledger_bury(ledger, DOOMED, doomed, S(3));
    struct ledger_totals t = judged();
    assert_int_equal(t.buried, 1);
    assert_true(ledger_is_clean(&t));
    answered_at(DOOMED, doomed, 4);
    assert_int_equal(judged().wrong, 1);
}

static void a_second_dead_letter_needs_an_excuse_too(void **unused)
{
    (void)unused;
    sent_at(DOOMED, 0, 1);
    unsigned long doomed = sent_at(DOOMED, 0, 1);
    ledger_bury(ledger, DOOMED, doomed, S(3));
    ledger_bury(ledger, DOOMED, doomed, S(4));
    assert_int_equal(judged().unexplained, 1);
}

static void what_was_never_sent_and_what_need_not_die_is_wrong(void **unused)
{
    (void)unused;
    unsigned long number = sent_at(FREE, 0, 1);
    answered_at(FREE, number, 2);
    assert_int_equal(judged().wrong, 0);
    ledger_answer(ledger, FREE, number + 1, S(2));
    ledger_answer(ledger, FREE, 0, S(2));
    ledger_bury(ledger, FREE, number, S(2));
    ledger_wrong(ledger, FREE, "of another kind", S(2));
    assert_int_equal(judged().wrong, 4);
}

#define CLAIM(f) cmocka_unit_test_setup_teardown(f, fresh_ledger, ledger_is_gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(every_message_with_its_answer_is_clean),
        CLAIM(nothing_sent_is_not_clean),
        CLAIM(an_answer_that_never_came_is_lost),
        CLAIM(without_a_fault_a_second_answer_is_unexplained),
        CLAIM(a_fault_while_it_was_under_way_explains_it),
        CLAIM(a_fault_before_it_was_sent_explains_nothing),
        CLAIM(a_fault_long_after_its_answer_explains_nothing),
        CLAIM(a_fault_after_it_came_again_explains_nothing),
        CLAIM(a_message_is_under_way_until_all_before_it_are_answered),
        CLAIM(a_hold_keeps_it_under_way),
        CLAIM(a_hold_that_begins_later_does_not),
        CLAIM(an_answer_given_behind_a_later_one_of_its_key_is_out_of_order),
        CLAIM(keys_and_streams_without_order_may_pass_each_other),
        CLAIM(an_order_that_the_broker_changed_is_not_harks),
        CLAIM(what_only_crashes_has_to_become_a_dead_letter),
        CLAIM(a_second_dead_letter_needs_an_excuse_too),
        CLAIM(what_was_never_sent_and_what_need_not_die_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
