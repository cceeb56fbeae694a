/* language_test.c: functions in other languages than C, each with its whole runtime, under the whole seal: no
 * file system, no environment, an allow-list of system calls. What is not here was not tried. */
#include "zygote_harness.h"

#include <signal.h>

static const struct seal_limits FOUR_THREADS = {.data_bytes = 64 << 20, .threads = 4};

static struct worker start_limited(const char *name, const struct seal_limits *limits)
{
    struct worker w = worker_fork_limited(name, limits);
    struct wire_setup setup = worker_default_setup(name);
    worker_send_setup(&w, &setup);
    worker_expect(&w, WIRE_READY, 0);
    return w;
}

/* Twice: the second time the runtime is warm. */
static void it_answers(const char *name, const struct seal_limits *limits, const char *question,
                       const char *answer)
{
    struct worker w = start_limited(name, limits);
    assert_string_equal(worker_ask(&w, 1, question), answer);
    assert_string_equal(worker_ask(&w, 2, question), answer);
    worker_release(&w);
}

static void cxx_with_its_library_works(void **unused)
{
    (void)unused;
    struct worker w = worker_start("throws");
    assert_string_equal(worker_ask(&w, 1, "a ball"), "caught a ball");
    worker_expect_output(&w, "caught a ball\n");
    worker_release(&w);
}

static void an_uncaught_exception_is_an_abort(void **unused)
{
    (void)unused;
    struct worker w = worker_start("throws");
    worker_invoke(&w, 1, "in", "uncaught");
    worker_expect_exit(&w, SIGNALLED(SIGABRT));
    worker_release(&w);
}

static void cxx_threads_throw_and_have_memory_of_their_own(void **unused)
{
    (void)unused;
    it_answers("threads_cxx", &FOUR_THREADS, "threads", "6, 3 caught, 3 destroyed");
}

static void a_cxx_thread_that_may_not_be_is_an_exception(void **unused)
{
    (void)unused;
    it_answers("threads_cxx", &(struct seal_limits){.threads = 1}, "threads", "refused");
}

#ifdef HAVE_RUST
static void rust_with_its_library_works(void **unused)
{
    (void)unused;
    struct worker w = worker_start("rusty");
    assert_string_equal(worker_ask(&w, 1, "a cold"), "caught a cold");
    worker_release(&w);
}

static void rust_threads_talk_and_panic(void **unused)
{
    (void)unused;
    it_answers("rusty", &FOUR_THREADS, "threads", "sum 6, 1 panicked");
}

static void a_rust_thread_that_may_not_be_is_an_error(void **unused)
{
    (void)unused;
    it_answers("rusty", &(struct seal_limits){.threads = 1}, "threads", "refused");
}
#endif

#ifdef HAVE_GO
/* What docs/functions.md advises: the runtime alone, with its threads, takes 64 MiB on a busy machine. */
static const struct seal_limits FOR_GO = {.data_bytes = 96 << 20, .threads = 16, .files = 16};

static void go_runs_goroutines(void **unused)
{
    (void)unused;
    it_answers("gopher", &FOR_GO, "sum", "sum 5050");
}

static void go_collects_its_garbage_within_the_limit(void **unused)
{
    (void)unused;
    it_answers("gopher", &FOR_GO, "litter", "collected, 1048576 left");
}

static void go_makes_a_panic_of_a_fault(void **unused)
{
    (void)unused;
    it_answers("gopher", &FOR_GO, "fault", "caught true");
}

static void go_interrupts_its_own_threads(void **unused)
{
    (void)unused;
    it_answers("gopher", &FOR_GO, "spin", "gave way");
}

static void go_finds_no_file(void **unused)
{
    (void)unused;
    it_answers("gopher", &FOR_GO, "peek", "no file true");
}

static void a_go_panic_that_nobody_recovers_is_an_abort(void **unused)
{
    (void)unused;
    struct worker w = start_limited("gopher", &FOR_GO);
    worker_invoke(&w, 1, "in", "nothing it knows");
    worker_expect_exit(&w, SIGNALLED(SIGABRT));
    worker_release(&w);
}
#endif

/* Limits and filter are not applied in sanitized builds, and the sanitizer's own __cxa_throw needs a
 * libstdc++ that was there before it: there is nothing to see in them. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ZYGOTE(cxx_with_its_library_works),
        WITH_ZYGOTE(an_uncaught_exception_is_an_abort),
        WITH_ZYGOTE(cxx_threads_throw_and_have_memory_of_their_own),
        WITH_ZYGOTE(a_cxx_thread_that_may_not_be_is_an_exception),
#ifdef HAVE_RUST
        WITH_ZYGOTE(rust_with_its_library_works),
        WITH_ZYGOTE(rust_threads_talk_and_panic),
        WITH_ZYGOTE(a_rust_thread_that_may_not_be_is_an_error),
#endif
#ifdef HAVE_GO
        WITH_ZYGOTE(go_runs_goroutines),
        WITH_ZYGOTE(go_collects_its_garbage_within_the_limit),
        WITH_ZYGOTE(go_makes_a_panic_of_a_fault),
        WITH_ZYGOTE(go_interrupts_its_own_threads),
        WITH_ZYGOTE(go_finds_no_file),
        WITH_ZYGOTE(a_go_panic_that_nobody_recovers_is_an_abort),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
