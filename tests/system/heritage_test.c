/* heritage_test.c: what workers have from a zygote that is sealed itself: all that one of their own seal
 * would have brought them, and nothing in common by which one could reach another. */
#include "shared/sanitized.h"
#include "support/kernel.h"
#include "zygote_harness.h"

#include <stdio.h>
#include <unistd.h>

/* PR_SET_SECUREBITS: all of them but SECBIT_KEEP_CAPS, and the locks of all. */
#define BONDS "dies with 9, securebits ef"

static struct worker start_with_threads(uint32_t threads)
{
    struct worker w = worker_fork_limited("sealed", &(struct seal_limits){.threads = threads});
    struct wire_setup setup = worker_default_setup("sealed");
    worker_send_setup(&w, &setup);
    worker_expect(&w, WIRE_READY, 0);
    return w;
}

static int waiving_seccomp(void **state)
{
    zygote_waived = "seccomp";
    return zygote_set_up(state);
}

static int waiving_seccomp_and_landlock(void **state)
{
    zygote_waived = "seccomp,landlock";
    return zygote_set_up(state);
}

static int tear_down(void **state)
{
    zygote_waived = "-";
    return zygote_tear_down(state);
}

/* A user namespace of its own would begin with other bonds, and none. */
static void a_worker_is_bound_with_and_without_threads(void **unused)
{
    (void)unused;
    struct worker a = start_with_threads(1), b = start_with_threads(2);
    assert_string_equal(worker_ask(&a, 1, "bonds"), BONDS);
    assert_string_equal(worker_ask(&b, 1, "bonds"), BONDS);
    worker_release(&a);
    worker_release(&b);
}

/* The first process of the namespace, and the other worker. */
static void they_reach(const char *expected)
{
    struct worker a = start_with_threads(1), b = start_with_threads(1);
    assert_string_equal(worker_ask(&a, 1, "neighbours"), expected);
    assert_string_equal(worker_ask(&b, 1, "neighbours"), expected);
    worker_release(&a);
    worker_release(&b);
}

static void the_filter_alone_keeps_workers_from_each_other(void **unused)
{
    (void)unused;
    they_reach("sees 99, reaches 0"); /* it refuses all that are asked for */
}

/* Each has a domain of its own: those who share one may signal each other. */
static void landlock_alone_keeps_workers_from_each_other(void **unused)
{
    (void)unused;
    if (kernel_landlock() < KERNEL_LANDLOCK_SCOPES)
        skip();
    they_reach("sees 2, reaches 0");
}

static void landlock_alone_lets_no_worker_call_another_by_name(void **unused)
{
    (void)unused;
    if (kernel_landlock() < KERNEL_LANDLOCK_SCOPES)
        skip();
    struct worker a = start_with_threads(1), b = start_with_threads(1);
    assert_string_equal(worker_ask(&a, 1, "name taken"), "done");
    assert_string_equal(worker_ask(&b, 1, "name called"), "EPERM");
    worker_release(&a);
    worker_release(&b);
}

/* They are neither dumpable nor privileged. */
static void without_either_no_worker_traces_another(void **unused)
{
    (void)unused;
    struct worker a = start_with_threads(1), b = start_with_threads(1);
    assert_string_equal(worker_ask(&a, 1, "neighbours"), "sees 2, reaches 2"); /* so they are there */
    assert_string_equal(worker_ask(&b, 1, "tracing"), "traces 0");
    worker_release(&a);
    worker_release(&b);
}

#define WITH(test, set_up) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_worker_is_bound_with_and_without_threads, zygote_set_up),
        WITH(landlock_alone_keeps_workers_from_each_other, waiving_seccomp),
        WITH(landlock_alone_lets_no_worker_call_another_by_name, waiving_seccomp),
        WITH(without_either_no_worker_traces_another, waiving_seccomp_and_landlock),
    };
    const struct CMUnitTest filtered[] = {
        WITH(the_filter_alone_keeps_workers_from_each_other, zygote_set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return SANITIZED ? failed : failed + cmocka_run_group_tests(filtered, NULL, NULL);
}
