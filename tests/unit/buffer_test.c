#include "shared/buffer.h"

#include "../support/test.h"

#include <stdlib.h>

static struct buffer b;

static int teardown(void **unused)
{
    (void)unused;
    buffer_finish(&b);
    return 0;
}

static void assert_holds(const char *expected)
{
    assert_int_equal(buffer_length(&b), strlen(expected));
    assert_memory_equal(buffer_data(&b), expected, strlen(expected));
}

static void a_zeroed_buffer_is_empty(void **unused)
{
    (void)unused;
    assert_int_equal(buffer_length(&b), 0);
    assert_false(buffer_failed(&b));
    buffer_append(&b, NULL, 0);
    assert_int_equal(buffer_length(&b), 0);
    assert_false(buffer_failed(&b));
}

static void bytes_leave_in_the_order_they_came(void **unused)
{
    (void)unused;
    buffer_append(&b, "one ", 4);
    buffer_append(&b, "two", 3);
    assert_holds("one two");
    buffer_consume(&b, 4);
    assert_holds("two");
    buffer_append(&b, "!", 1);
    assert_holds("two!");
    buffer_consume(&b, 4);
    assert_int_equal(buffer_length(&b), 0);
}

static void bytes_reserved_count_once_they_are_committed(void **unused)
{
    (void)unused;
    uint8_t *room = buffer_reserve(&b, 8);
    assert_non_null(room);
    memset(room, 'a', 8);
    assert_int_equal(buffer_length(&b), 0);
    buffer_commit(&b, 3);
    assert_holds("aaa");
}

static void truncating_undoes_appends(void **unused)
{
    (void)unused;
    buffer_append(&b, "xkeep", 5);
    buffer_consume(&b, 1);
    size_t len = buffer_length(&b);
    buffer_append(&b, "drop", 4);
    buffer_truncate(&b, len);
    assert_holds("keep");
    buffer_append(&b, "!", 1);
    assert_holds("keep!");
}

static void little_memory_may_stay(void **unused)
{
    (void)unused;
    static const char bytes[1000];
    buffer_append(&b, "x", 1);
    buffer_trim_to(&b, 500);
    assert_holds("x");
    buffer_consume(&b, 1);
    buffer_trim_to(&b, 500);
    assert_non_null(b.memory);
    buffer_append(&b, bytes, sizeof bytes);
    buffer_trim_to(&b, 500);
    assert_int_equal(buffer_length(&b), sizeof bytes);
    buffer_consume(&b, sizeof bytes);
    buffer_trim_to(&b, 500);
    assert_null(b.memory);
}

static void clearing_keeps_the_memory_and_trimming_gives_it_back(void **unused)
{
    (void)unused;
    buffer_append(&b, "x", 1);
    buffer_trim(&b);
    assert_holds("x");
    buffer_clear(&b);
    assert_int_equal(buffer_length(&b), 0);
    assert_non_null(b.memory);
    buffer_trim(&b);
    assert_null(b.memory);
    buffer_append(&b, "y", 1);
    assert_holds("y");
}

static void impossible_requests_mark_the_buffer_failed(void **unused)
{
    (void)unused;
    buffer_append(&b, "x", 1);
    assert_null(buffer_reserve(&b, SIZE_MAX));
    assert_true(buffer_failed(&b));
    assert_null(buffer_reserve(&b, 1));
    buffer_append(&b, "y", 1);
    assert_holds("x");
    buffer_clear(&b);
    assert_false(buffer_failed(&b));
    buffer_append(&b, "z", 1);
    assert_holds("z");
}

static void a_queue_that_is_drained_as_it_fills_stays_small(void **unused)
{
    (void)unused;
    uint8_t chunk[100] = {0};
    for (unsigned i = 0; i < 100000; i++) {
        buffer_append(&b, chunk, sizeof chunk);
        if (i > 2)
            buffer_consume(&b, sizeof chunk);
    }
    assert_int_equal(buffer_length(&b), 300);
    assert_in_range(b.capacity, 300, 4096);
}

/* A queue of bytes 0, 1, 2, … kept beside the buffer as two counters. */
static void a_gap_is_filled_with_what_was_not_taken_yet(void **unused)
{
    (void)unused;
    static const char whole[] = "xaaBBBBcc";
    for (size_t taken = 0; taken <= 8; taken++) {
        buffer_append(&b, "xaacc", 5);
        buffer_consume(&b, 1);
        buffer_fill(&b, 2, slice_make("BBBB", 4), taken);
        assert_holds(whole + 1 + taken);
        buffer_finish(&b);
    }
}

static void a_gap_may_be_at_either_end_and_its_filling_empty(void **unused)
{
    (void)unused;
    buffer_fill(&b, 0, slice_make("one", 3), 1);
    assert_holds("ne");
    buffer_fill(&b, 2, slice_make("!", 1), 0);
    assert_holds("ne!");
    buffer_fill(&b, 1, slice_make("", 0), 2);
    assert_holds("!");
}

static void memory_that_is_taken_holds_what_was_in_it(void **unused)
{
    (void)unused;
    buffer_append(&b, "gone and kept", 13);
    buffer_consume(&b, 9);
    char *memory = (char *)buffer_take(&b);
    assert_null(b.memory);
    assert_int_equal(buffer_length(&b), 0);
    assert_memory_equal(memory + 9, "kept", 4);
    free(memory);
    buffer_append(&b, "anew", 4);
    assert_holds("anew");
}

/* So that the next one finds the memory of the last again, and little of it lies idle. */
static void much_at_once_gets_hardly_more_than_it_asks_for(void **unused)
{
    (void)unused;
    assert_non_null(buffer_reserve(&b, 263000));
    assert_in_range(b.capacity, 263000, 263000 + 4096);
    buffer_commit(&b, 263000);
    assert_non_null(buffer_reserve(&b, 5000));
    assert_true(b.capacity >= 2 * 263000); /* what grows by little grows by doubling */
}

static void step_of_a_random_walk(uint64_t *random, uint8_t *next_in, uint8_t *next_out)
{
    *random = *random * 6364136223846793005ull + 1442695040888963407ull;
    size_t len = *random >> 54;
    if (*random >> 53 & 1) {
        for (size_t i = 0; i < len; i++, ++*next_in)
            buffer_append(&b, next_in, 1);
        return;
    }
    len = len < buffer_length(&b) ? len : buffer_length(&b);
    for (size_t i = 0; i < len; i++, ++*next_out)
        assert_int_equal(buffer_data(&b)[i], *next_out);
    buffer_consume(&b, len);
}

static void no_byte_is_lost_or_moved_whatever_the_order_of_calls(void **unused)
{
    (void)unused;
    uint64_t random = 1;
    uint8_t next_in = 0, next_out = 0;
    for (unsigned i = 0; i < 5000; i++)
        step_of_a_random_walk(&random, &next_in, &next_out);
    assert_int_equal((uint8_t)buffer_length(&b), (uint8_t)(next_in - next_out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_zeroed_buffer_is_empty, teardown),
        cmocka_unit_test_teardown(bytes_leave_in_the_order_they_came, teardown),
        cmocka_unit_test_teardown(bytes_reserved_count_once_they_are_committed, teardown),
        cmocka_unit_test_teardown(truncating_undoes_appends, teardown),
        cmocka_unit_test_teardown(little_memory_may_stay, teardown),
        cmocka_unit_test_teardown(clearing_keeps_the_memory_and_trimming_gives_it_back, teardown),
        cmocka_unit_test_teardown(impossible_requests_mark_the_buffer_failed, teardown),
        cmocka_unit_test_teardown(a_queue_that_is_drained_as_it_fills_stays_small, teardown),
        cmocka_unit_test_teardown(a_gap_is_filled_with_what_was_not_taken_yet, teardown),
        cmocka_unit_test_teardown(a_gap_may_be_at_either_end_and_its_filling_empty, teardown),
        cmocka_unit_test_teardown(memory_that_is_taken_holds_what_was_in_it, teardown),
        cmocka_unit_test_teardown(much_at_once_gets_hardly_more_than_it_asks_for, teardown),
        cmocka_unit_test_teardown(no_byte_is_lost_or_moved_whatever_the_order_of_calls, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
