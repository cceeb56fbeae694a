/* load_test.c: a .so that cannot be served is refused in words that a person can act on. */
#include "zygote_harness.h"

#include <signal.h>

static struct worker load(const char *name)
{
    struct worker w = worker_fork(name, 0);
    struct wire_setup setup = worker_default_setup(name);
    worker_send_setup(&w, &setup);
    return w;
}

static void is_refused(const char *name, const char *reason)
{
    struct worker w = load(name);
    worker_expect_failed(&w, reason);
    worker_expect_end_of_channel(&w);
    worker_expect_exit(&w, EXITED(1));
    worker_release(&w);
}

#define NO_OBJECT(file)                                                                                      \
    file                                                                                                     \
        " has no hark_function that is seen from outside: include hark/function.h and write "                \
        "HARK_FUNCTION(.handle = your_function); at file scope, in C++ outside of every namespace, and let " \
        "no linker script hide it"

static void without_the_object_it_is_refused(void **unused)
{
    (void)unused;
    is_refused("no_symbol", NO_OBJECT("no_symbol.so"));
}

static void in_a_namespace_the_object_is_not_seen(void **unused)
{
    (void)unused;
    is_refused("namespaced", NO_OBJECT("namespaced.so"));
}

static void of_another_abi_it_is_refused(void **unused)
{
    (void)unused;
    is_refused("wrong_abi",
               "wrong_abi.so is built for ABI 7, this hark speaks 1: rebuild it with this hark's headers");
}

static void with_an_object_too_small_it_is_refused(void **unused)
{
    (void)unused;
    is_refused("wrong_size", "hark_function of wrong_size.so has 8 bytes instead of 32: define it with "
                             "HARK_FUNCTION(...)");
}

static void without_a_handle_it_is_refused(void **unused)
{
    (void)unused;
    is_refused("no_handle", "no_handle.so has no handle: write HARK_FUNCTION(.handle = your_function)");
}

static void with_an_undefined_symbol_it_is_refused_by_name(void **unused)
{
    (void)unused;
    is_refused(
        "unresolved",
        "unresolved.so: undefined symbol: nowhere_to_be_found: link the .c, .cc or .a that has it into the "
        "function, or remove its use; -Wl,-z,defs finds it when the function is linked");
}

static void with_a_library_that_is_not_there_it_is_refused_by_name(void **unused)
{
    (void)unused;
    is_refused("bereft",
               "bereft.so: libabsent.so: cannot open shared object file: No such file or directory: link it "
               "statically "
               "(its .a, in the place of -l); a function finds no library but libc, libm, libgcc_s and "
               "libstdc++");
}

static void when_start_says_no_its_log_and_the_number_come(void **unused)
{
    (void)unused;
    struct worker w = load("start_fails");
    worker_expect_log(&w, 0, 3, "the sensor is missing");
    worker_expect_failed(&w, "start() of start_fails.so returned 3 instead of 0: its log may say why");
    worker_expect_exit(&w, EXITED(1));
    worker_release(&w);
}

static void a_constructor_that_crashes_is_a_crash_before_ready(void **unused)
{
    (void)unused;
    struct worker w = load("ctor_crash");
    worker_expect_end_of_channel(&w);
    worker_expect_exit(&w, SIGNALLED(SIGABRT));
    worker_release(&w);
}

static void a_constructor_that_exits_is_an_exit_before_ready(void **unused)
{
    (void)unused;
    struct worker w = load("ctor_exit");
    worker_expect_end_of_channel(&w);
    worker_expect_exit(&w, EXITED(0));
    worker_release(&w);
}

static void a_constructor_that_hangs_can_be_killed(void **unused)
{
    (void)unused;
    struct worker w = load("ctor_hang"), other = worker_start("relay");
    zygote_order(ZYGOTE_KILL, w.id);
    worker_expect_exit(&w, SIGNALLED(SIGKILL));
    worker_expect_end_of_channel(&w);
    worker_release(&w);
    worker_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ZYGOTE(without_the_object_it_is_refused),
        WITH_ZYGOTE(of_another_abi_it_is_refused),
        WITH_ZYGOTE(with_an_object_too_small_it_is_refused),
        WITH_ZYGOTE(without_a_handle_it_is_refused),
        WITH_ZYGOTE(in_a_namespace_the_object_is_not_seen),
        WITH_ZYGOTE(with_an_undefined_symbol_it_is_refused_by_name),
        WITH_ZYGOTE(with_a_library_that_is_not_there_it_is_refused_by_name),
        WITH_ZYGOTE(when_start_says_no_its_log_and_the_number_come),
        WITH_ZYGOTE(a_constructor_that_crashes_is_a_crash_before_ready),
        WITH_ZYGOTE(a_constructor_that_exits_is_an_exit_before_ready),
        WITH_ZYGOTE(a_constructor_that_hangs_can_be_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
