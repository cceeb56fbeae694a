/* The known word nearest to a mistyped one. */
#include "manifest/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char *nearest(const char *word)
{
    static const char *const known[] = {"topic",    "qos",       "retained",      "triggers", "handler",
                                        "function", "publishes", "password_file", "retry",    "order"};
    struct suggest s = suggest_start(slice_of(word));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        suggest_consider(&s, known[i]);
    return s.best;
}

static void slips_of_the_finger_find_their_word(void **unused)
{
    (void)unused;
    assert_string_equal(nearest("topcis"), "topic");
    assert_string_equal(nearest("qso"), "qos");
    assert_string_equal(nearest("trigger"), "triggers");
    assert_string_equal(nearest("fucntion"), "function");
    assert_string_equal(nearest("handlre"), "handler");
    assert_string_equal(nearest("publish"), "publishes");
}

static void case_does_not_count(void **unused)
{
    (void)unused;
    assert_string_equal(nearest("Function"), "function");
    assert_string_equal(nearest("QOS"), "qos");
}

static void the_beginning_of_a_word_finds_it(void **unused)
{
    (void)unused;
    assert_string_equal(nearest("password"), "password_file");
}

static void another_word_finds_nothing(void **unused)
{
    (void)unused;
    assert_null(nearest("broker"));
    assert_null(nearest("sandbox"));
    assert_null(nearest("x"));
    assert_null(nearest(""));
}

static void a_very_long_word_finds_nothing(void **unused)
{
    char word[SUGGEST_WORD_MAX + 2];
    (void)unused;
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_null(nearest(word));
}

static unsigned distance(const char *a, const char *b)
{
    return suggest_distance(slice_of(a), slice_of(b));
}

static void a_swap_of_neighbours_counts_once(void **unused)
{
    (void)unused;
    assert_int_equal(distance("", ""), 0);
    assert_int_equal(distance("abc", ""), 3);
    assert_int_equal(distance("", "abc"), 3);
    assert_int_equal(distance("ab", "ba"), 1);
    assert_int_equal(distance("abcd", "acbd"), 1);
    assert_int_equal(distance("kitten", "sitting"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_of_the_finger_find_their_word),
        cmocka_unit_test(case_does_not_count),
        cmocka_unit_test(the_beginning_of_a_word_finds_it),
        cmocka_unit_test(another_word_finds_nothing),
        cmocka_unit_test(a_very_long_word_finds_nothing),
        cmocka_unit_test(a_swap_of_neighbours_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
