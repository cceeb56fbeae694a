#include "dispatcher/lint.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int callocs_until_failure; /* 0: none fails */

void *__real_calloc(size_t items, size_t bytes);
void *__wrap_calloc(size_t items, size_t bytes);

void *__wrap_calloc(size_t items, size_t bytes)
{
    if (callocs_until_failure && --callocs_until_failure == 0)
        return NULL;
    return __real_calloc(items, bytes);
}

static struct manifest_trigger triggers[8];
static char *publishes[8];
static struct manifest manifests[8];
static char files[8][32];
static size_t count;
static struct diags diags;

static int start_with_nothing(void **unused)
{
    (void)unused;
    count = 0;
    memset(manifests, 0, sizeof manifests);
    return 0;
}

static int forget_diags(void **unused)
{
    (void)unused;
    diags_finish(&diags);
    return 0;
}

static struct manifest *given(const char *name, const char *trigger, const char *publish)
{
    struct manifest *m = &manifests[count];
    triggers[count].topic = (char *)(uintptr_t)trigger;
    publishes[count] = (char *)(uintptr_t)publish;
    snprintf(files[count], sizeof files[count], "%s.yaml", name);
    *m = (struct manifest){.function = (char *)(uintptr_t)name,
                           .triggers = &triggers[count],
                           .trigger_count = 1,
                           .publishes = &publishes[count],
                           .publish_count = publish ? 1 : 0,
                           .file = files[count],
                           .function_line = 1,
                           .function_column = 11};
    count++;
    return m;
}

static void lint(void)
{
    const struct manifest *list[8];
    for (size_t i = 0; i < count; i++)
        list[i] = &manifests[i];
    assert_int_equal(lint_topic_graph(list, count, &diags), 0);
}

static void then_it_says(size_t index, const char *file, const char *cycle)
{
    char start[256];
    assert_in_range(index + 1, 1, diags.count);
    const struct diag *d = &diags.items[index];
    snprintf(start, sizeof start, "loop: %s; ", cycle);
    assert_string_equal(d->file, file);
    assert_int_equal(d->line, 1);
    assert_int_equal(d->column, 11);
    assert_memory_equal(d->text, start, strlen(start));
}

static void a_chain_is_no_loop(void **unused)
{
    (void)unused;
    given("a", "in/#", "one/{x}");
    given("b", "one/+", "two");
    given("c", "two", NULL);
    lint();
    assert_int_equal(diags.count, 0);
}

static void no_functions_are_no_loop(void **unused)
{
    (void)unused;
    lint();
    assert_int_equal(diags.count, 0);
}

static void a_function_that_triggers_itself_is_a_loop(void **unused)
{
    (void)unused;
    given("a", "home/{room}/temperature", "home/+/#");
    lint();
    assert_int_equal(diags.count, 1);
    then_it_says(0, "a.yaml", "a -> a (home/+/#)");
}

static void a_circle_is_told_with_its_topics(void **unused)
{
    (void)unused;
    given("quiet", "elsewhere", NULL);
    given("a", "home/+/y", "home/+/x");
    given("b", "home/+/x", "home/+/y");
    lint();
    assert_int_equal(diags.count, 1);
    then_it_says(0, "a.yaml", "a -> b (home/+/x) -> a (home/+/y)");
}

static void a_dead_letter_can_close_a_circle(void **unused)
{
    (void)unused;
    given("a", "hark/dead/#", NULL)->dead_letter = (char *)(uintptr_t) "hark/dead/a";
    lint();
    assert_int_equal(diags.count, 1);
    then_it_says(0, "a.yaml", "a -> a (hark/dead/a)");
}

static void a_knot_of_several_circles_is_told_once(void **unused)
{
    (void)unused;
    given("a", "t/a", "t/#");
    given("b", "t/b", "t/#");
    given("c", "t/c", "t/#");
    lint();
    assert_int_equal(diags.count, 1);
    then_it_says(0, "a.yaml", "a -> a (t/#)");
}

static void two_knots_are_told_apart_though_one_leads_to_the_other(void **unused)
{
    (void)unused;
    given("a", "one/a", "one/b");
    struct manifest *b = given("b", "one/b", "one/a");
    char *also[] = {publishes[1], (char *)(uintptr_t) "two/c"};
    b->publishes = also;
    b->publish_count = 2;
    given("c", "two/c", "two/d");
    given("d", "two/d", "two/c");
    lint();
    assert_int_equal(diags.count, 2);
    then_it_says(0, "a.yaml", "a -> b (one/b) -> a (one/a)");
    then_it_says(1, "c.yaml", "c -> d (two/d) -> c (two/c)");
}

static void a_long_circle_still_says_what_to_do(void **unused)
{
    (void)unused;
    char topic[256];
    memset(topic, 'x', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    given("a", topic, topic);
    lint();
    assert_int_equal(diags.count, 1);
    assert_non_null(strstr(diags.items[0].text, "narrower"));
}

static void circle_through(size_t index, const char *expected)
{
    const struct manifest *all[8];
    for (size_t i = 0; i < count; i++)
        all[i] = &manifests[i];
    char *circle = lint_circle_through(all, count, index);
    if (expected)
        assert_string_equal(circle, expected);
    else
        assert_null(circle);
    free(circle);
}

static void the_circle_through_one_function_is_found_from_there(void **unused)
{
    (void)unused;
    given("a", "t/a", "t/b");
    given("b", "t/b", "t/c");
    given("c", "t/c", "t/b");
    circle_through(0, NULL);
    circle_through(1, "b -> c (t/c) -> b (t/b)");
    circle_through(2, "c -> b (t/b) -> c (t/c)");
}

#define lint_test(f) cmocka_unit_test_setup_teardown(f, start_with_nothing, forget_diags)

static void a_timer_is_triggered_by_nothing(void **unused)
{
    (void)unused;
    given("clock", NULL, "#");
    lint();
    assert_int_equal(diags.count, 0);
}

static void functions_of_two_brokers_do_not_trigger_each_other(void **unused)
{
    (void)unused;
    given("a", "t/a", "t/b");
    struct manifest *b = given("b", "t/b", "t/a");
    b->broker = (char *)(uintptr_t) "lab";
    lint();
    assert_int_equal(diags.count, 0);
    b->broker = (char *)(uintptr_t) "default";
    lint();
    assert_int_equal(diags.count, 1);
}

/* Each allocation in turn, until there are no more. */
static void without_memory_it_says_so_and_finds_nothing_wrong(void **unused)
{
    (void)unused;
    const struct manifest *list[3] = {given("a", "a", "b"), given("b", "b", "c"), given("c", "c", "a")};
    int error, turn = 1;
    for (error = -ENOMEM; error; turn++) {
        callocs_until_failure = turn;
        error = lint_topic_graph(list, 3, &diags);
        if (error)
            assert_int_equal(error, -ENOMEM);
        callocs_until_failure = turn;
        char *circle = lint_circle_through(list, 3, 0);
        assert_true(!circle || strcmp(circle, "a -> b (b) -> c (c) -> a (a)") == 0);
        free(circle);
    }
    callocs_until_failure = 0;
    assert_in_range(turn, 8, 16);
    assert_int_equal(diags.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lint_test(functions_of_two_brokers_do_not_trigger_each_other),
        lint_test(a_chain_is_no_loop),
        lint_test(no_functions_are_no_loop),
        lint_test(a_function_that_triggers_itself_is_a_loop),
        lint_test(a_circle_is_told_with_its_topics),
        lint_test(a_dead_letter_can_close_a_circle),
        lint_test(a_timer_is_triggered_by_nothing),
        lint_test(a_knot_of_several_circles_is_told_once),
        lint_test(two_knots_are_told_apart_though_one_leads_to_the_other),
        lint_test(a_long_circle_still_says_what_to_do),
        lint_test(without_memory_it_says_so_and_finds_nothing_wrong),
        lint_test(the_circle_through_one_function_is_found_from_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
