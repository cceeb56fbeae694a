/* seal_test.c: the layers of the seal, one by one, as the function inside sees them, and what is left when
 * one is waived. */
#include "shared/sanitized.h"
#include "support/kernel.h"
#include "zygote_harness.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 65534, SECOND_MS = 1000, CHILDREN_MAX = 16, PAGE_FAULTS_MAX = 80 };

static struct worker start_limited(const char *name, const struct seal_limits *limits)
{
    struct worker w = worker_fork_limited(name, limits);
    struct wire_setup setup = worker_default_setup(name);
    worker_send_setup(&w, &setup);
    worker_expect(&w, WIRE_READY, 0);
    return w;
}

static void the_function_sees(const char *what, const char *expected)
{
    struct worker w = worker_start("sealed");
    assert_string_equal(worker_ask(&w, 1, what), expected);
    zygote_order(ZYGOTE_KILL, w.id);
    worker_expect_exit(&w, SIGNALLED(SIGKILL));
    worker_release(&w);
}

static void it_is_refused(const char *name, const struct seal_limits *limits, const char *reason)
{
    struct worker w = worker_fork_limited(name, limits);
    struct wire_setup setup = worker_default_setup(name);
    worker_send_setup(&w, &setup);
    worker_expect_failed(&w, reason);
    worker_expect_exit(&w, EXITED(1));
    worker_release(&w);
}

static void the_layer_is(enum layer layer, enum layer_status status)
{
    const struct zygote_layers *found = zygote_read_layers();
    if (found->layers[layer].status != status)
        fail_msg("%s: status %u instead of %d, error %d", layer_name(layer), found->layers[layer].status,
                 status, found->layers[layer].error);
}

/* As much as this kernel has. */
static enum layer_status at_best(enum layer layer)
{
    if (layer == LAYER_LANDLOCK && kernel_landlock() < KERNEL_LANDLOCK_SCOPES)
        return LAYER_DEGRADED;
    return layer == LAYER_MDWE && !kernel_has_mdwe() ? LAYER_MISSING : LAYER_ENFORCED;
}

/* What the function answers to "locks". */
static const char *locks(bool filter)
{
    static char text[80];
    int mdwe = !kernel_has_mdwe() ? -1 : SANITIZED ? 0 : 1;
    snprintf(text, sizeof text, "no_new_privs 1 seccomp %d mdwe %d dumpable 0", filter ? 2 : 0, mdwe);
    return text;
}

/* Set-ups: how hark-worker is started. */

static int as_an_ordinary_user(void **state)
{
    zygote_user = geteuid() == 0 ? NOBODY : 0;
    return zygote_set_up(state);
}

static int waiving_seccomp(void **state)
{
    zygote_waived = "seccomp";
    return zygote_set_up(state);
}

static int waiving_landlock_and_root(void **state)
{
    zygote_waived = "landlock,root";
    return zygote_set_up(state);
}

static int waiving_the_user_namespace(void **state)
{
    zygote_waived = "user-namespace";
    return as_an_ordinary_user(state);
}

static int waiving_it_as_root(void **state)
{
    zygote_waived = "user-namespace";
    return zygote_set_up(state);
}

static int remaining_root(void **state)
{
    zygote_identity = "-";
    return zygote_set_up(state);
}

static int tear_down(void **state)
{
    zygote_identity = NULL;
    zygote_waived = "-";
    zygote_user = 0;
    return zygote_tear_down(state);
}

static void every_layer_holds_on_this_machine(void **unused)
{
    (void)unused;
    for (int i = 0; i < LAYER_COUNT; i++)
        if (!SANITIZED || (i != LAYER_LIMITS && i != LAYER_MDWE && i != LAYER_SECCOMP))
            the_layer_is((enum layer)i, at_best((enum layer)i));
    assert_int_equal(zygote_read_layers()->layers[LAYER_LANDLOCK].detail, kernel_landlock());
    assert_int_not_equal(zygote_read_layers()->uid, 0);
}

static void it_is_nobody(void **unused)
{
    (void)unused;
    the_function_sees("identity", "65534 65534 65534, 65534 65534 65534");
}

static void it_has_no_group_of_roots(void **unused)
{
    (void)unused;
    the_function_sees("groups", "0");
}

static void it_has_no_capability(void **unused)
{
    (void)unused;
    the_function_sees("capabilities", "effective 00 permitted 00 inheritable 00 bounding 0");
}

static void its_locks_are_on(void **unused)
{
    (void)unused;
    the_function_sees("locks", locks(true));
}

static void it_sees_no_process_of_the_machine(void **unused)
{
    (void)unused;
    the_function_sees("processes", "parent 0, own id small, kill 1 EPERM");
}

static void it_finds_no_file(void **unused)
{
    (void)unused;
    the_function_sees("files",
                      "open / EACCES, open /etc/passwd ENOENT, stat /etc ENOENT, stat self/fd ENOENT, "
                      "create EPERM, in /");
}

static void there_is_no_file_above_a_constructor(void **unused)
{
    (void)unused;
    the_function_sees("loading", "above ENOENT, self/fd done");
}

/* As in a container: then no other can be mounted. */
static bool proc_is_partly_covered(void)
{
    char line[8192] = "";
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    while (!strstr(line, " /proc/") && fgets(line, sizeof line, mounts))
        ;
    fclose(mounts);
    return strstr(line, " /proc/");
}

static void a_constructor_sees_the_processes_of_functions_alone(void **unused)
{
    (void)unused;
    if (proc_is_partly_covered())
        skip();
    the_function_sees("loading proc", "sys/kernel ENOENT, self/fd done");
}

static void it_makes_no_socket(void **unused)
{
    (void)unused;
    the_function_sees("network", "inet EPERM, unix EPERM, pair EPERM");
}

static void it_does_not_learn_the_machines_name(void **unused)
{
    (void)unused;
    the_function_sees("host", "hark");
}

static void it_makes_no_code_and_shares_no_memory(void **unused)
{
    (void)unused;
    the_function_sees("code", "write and run EPERM, run what was written EPERM, share EPERM");
}

static void its_limits_are_those_of_the_order(void **unused)
{
    (void)unused;
    struct worker w = start_limited(
        "sealed", &(struct seal_limits){.data_bytes = 64 << 20, .cpu_s = 7, .threads = 1, .files = 10});
    assert_string_equal(worker_ask(&w, 1, "limits"),
                        "data 67108864 cpu 8 nproc 1 nofile 14 core 0 fsize 0 stack 8388608 lock 0");
    worker_release(&w);
}

static void it_starts_no_thread_unless_allowed(void **unused)
{
    (void)unused;
    the_function_sees("threads", "0 more threads, then EPERM");
}

/* Twice, beside each other: what one has started does not count for the other. */
static void it_starts_as_many_threads_as_allowed(void **unused)
{
    (void)unused;
    const struct seal_limits limits = {.data_bytes = 64 << 20, .threads = 3};
    struct worker a = start_limited("sealed", &limits), b = start_limited("sealed", &limits);
    assert_string_equal(worker_ask(&a, 1, "threads"), "2 more threads, then EAGAIN");
    assert_string_equal(worker_ask(&b, 1, "threads"), "2 more threads, then EAGAIN");
    worker_release(&a);
    worker_release(&b);
}

/* Whatever stacks hark itself was started with: 15 of 8 MiB would be more memory than it may have. */
static void stacks_of_threads_leave_room_for_the_heap(void **unused)
{
    (void)unused;
    struct worker w = start_limited("sealed", &(struct seal_limits){.data_bytes = 32 << 20, .threads = 16});
    assert_string_equal(worker_ask(&w, 1, "threads"), "15 more threads, then EAGAIN");
    worker_release(&w);
}

static void with_threads_it_is_sealed_as_tightly(void **unused)
{
    (void)unused;
    struct worker w = start_limited("sealed", &(struct seal_limits){.threads = 3});
    assert_string_equal(worker_ask(&w, 1, "capabilities"),
                        "effective 00 permitted 00 inheritable 00 bounding 0");
    assert_string_equal(worker_ask(&w, 2, "locks"), locks(true));
    worker_release(&w);
}

#ifdef __x86_64__ /* elsewhere the quotient is 0 */
static void a_division_by_zero_is_reported_as_such(void **unused)
{
    (void)unused;
    struct worker w = worker_start("divide");
    worker_invoke(&w, 1, "in", "0");
    worker_expect_exit(&w, SIGNALLED(SIGFPE));
    worker_release(&w);
}
#endif

static void too_much_cpu_time_is_reported_as_such(void **unused)
{
    (void)unused;
    struct worker w = start_limited("misbehave", &(struct seal_limits){.cpu_s = 1});
    worker_invoke(&w, 1, "in", "hang");
    worker_expect_exit(&w, SIGNALLED(SIGXCPU));
    worker_release(&w);
}

static void without_the_filter_the_other_layers_hold(void **unused)
{
    (void)unused;
    the_layer_is(LAYER_SECCOMP, LAYER_WAIVED);
    the_function_sees("locks", locks(false));
    the_function_sees("files",
                      "open / EACCES, open /etc/passwd ENOENT, stat /etc ENOENT, stat self/fd ENOENT, "
                      "create ENOENT, in /");
    the_function_sees("processes", kernel_landlock() >= KERNEL_LANDLOCK_SCOPES
                                       ? "parent 0, own id small, kill 1 EPERM"
                                       : "parent 0, own id small, kill 1 done");
    the_function_sees("threads", "0 more threads, then EAGAIN");
}

static void without_landlock_and_root_the_filter_holds(void **unused)
{
    (void)unused;
    the_layer_is(LAYER_LANDLOCK, LAYER_WAIVED);
    the_layer_is(LAYER_ROOT, LAYER_WAIVED);
    the_function_sees("locks", locks(true));
    the_function_sees("files", "open / done, open /etc/passwd done, stat /etc done, stat self/fd ENOENT, "
                               "create EPERM, in /");
}

static void without_namespaces_what_is_left_says_so_and_holds(void **unused)
{
    (void)unused;
    the_layer_is(LAYER_USERNS, LAYER_WAIVED);
    the_layer_is(LAYER_PIDNS, LAYER_MISSING);
    the_layer_is(LAYER_ROOT, LAYER_MISSING);
    the_layer_is(LAYER_NETNS, LAYER_MISSING);
    the_layer_is(LAYER_IPCNS, LAYER_MISSING);
    the_layer_is(LAYER_CAPS, LAYER_DEGRADED);
    the_layer_is(LAYER_LANDLOCK, at_best(LAYER_LANDLOCK));
    the_function_sees("files", "open / EACCES, open /etc/passwd EACCES, stat /etc done, stat self/fd ENOENT, "
                               "create EPERM, in /");
    the_function_sees("network", "inet EPERM, unix EPERM, pair EPERM");
}

static void without_user_namespaces_threads_are_refused(void **unused)
{
    (void)unused;
    it_is_refused("sealed", &(struct seal_limits){.threads = 2},
                  "cannot seal the worker: limits: `limits.threads` above 1 cannot be enforced without user "
                  "namespaces");
}

static void root_needs_no_user_namespace_for_the_others(void **unused)
{
    (void)unused;
    the_layer_is(LAYER_USERNS, LAYER_WAIVED);
    for (int i = LAYER_PIDNS; i <= LAYER_IPCNS; i++)
        the_layer_is((enum layer)i, LAYER_ENFORCED);
    assert_int_equal(zygote_read_layers()->uid, NOBODY);
    the_function_sees("identity", "65534 65534 65534, 65534 65534 65534");
    the_function_sees("capabilities", "effective 00 permitted 00 inheritable 00 bounding 0");
    the_function_sees("processes", "parent 0, own id small, kill 1 EPERM");
}

static void as_root_no_function_is_run(void **unused)
{
    (void)unused;
    the_layer_is(LAYER_UID, LAYER_MISSING);
    it_is_refused("sealed", &(struct seal_limits){.threads = 1},
                  "cannot seal the worker: uid: this machine cannot enforce it; see `hark doctor`");
}

/* The zygote's children, the eldest first: the first process of the namespace, then workers. */
static int read_children(int pids[CHILDREN_MAX])
{
    char path[64];
    int count = 0;
    zygote_read_layers();
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", zygote.pid, zygote.pid);
    FILE *children = fopen(path, "r");
    assert_non_null(children);
    while (count < CHILDREN_MAX && fscanf(children, "%d", &pids[count]) == 1)
        count++;
    fclose(children);
    return count;
}

/* minflt of /proc/PID/stat, proc(5). */
static unsigned long page_faults(pid_t pid)
{
    char path[64], text[512];
    unsigned long faults = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *stat = fopen(path, "r");
    assert_non_null(stat);
    text[fread(text, 1, sizeof text - 1, stat)] = '\0';
    fclose(stat);
    const char *after_name = strrchr(text, ')');
    assert_non_null(after_name);
    assert_int_equal(sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %lu", &faults), 1);
    return faults;
}

/* The better part of what a start costs, and of what an idle worker weighs, is pages that it does not share
 * with the zygote any more or has to look up again. Their number is the same on a busy machine: 55, and 10
 * more if it found the time to practise. */
static void it_touches_few_pages_until_it_is_ready(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    unsigned long faults = page_faults(w.pid);
    if (faults > PAGE_FAULTS_MAX)
        fail_msg("%lu page faults instead of %d at most", faults, PAGE_FAULTS_MAX);
    worker_release(&w);
}

static void when_the_first_process_dies_so_do_the_others(void **unused)
{
    (void)unused;
    int pids[CHILDREN_MAX];
    struct worker w = worker_start("relay");
    assert_true(read_children(pids) > 0);
    kill(pids[0], SIGKILL);
    worker_expect_end_of_channel(&w);
    zygote_expect_exit(EX_OSERR);
    zygote_expect_complaint(
        "hark-worker: the first process of the workers' pid namespace died, and they with it\n");
    worker_release(&w);
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void a_second_after_hark_nobody_is_left(void **unused)
{
    (void)unused;
    zygote_open();
    pid_t hark = fork();
    if (hark == 0) {
        zygote_launch(getpid());
        pause();
    }
    zygote_close_far_ends();
    struct worker w = worker_start("misbehave");
    worker_invoke(&w, 1, "in", "hang");
    long killed_ms = now_ms();
    kill(hark, SIGKILL);
    waitpid(hark, NULL, 0);
    worker_expect_end_of_channel(&w);
    zygote_expect_complaint(""); /* its standard error ends when nobody holds it any more */
    assert_true(now_ms() - killed_ms < SECOND_MS);
    worker_release(&w);
}

static void a_layer_that_does_not_exist_cannot_be_waived(void **unused)
{
    (void)unused;
    zygote_waived = "seccomp,lockland";
    zygote_open();
    zygote_launch(getpid());
    zygote_close_far_ends();
    zygote_expect_exit(EX_USAGE);
}

#define WITH(test, set_up) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define ALONE(test)        cmocka_unit_test_teardown(test, tear_down)

static int run_those_for_root(void)
{
    const struct CMUnitTest tests[] = {
        WITH(it_has_no_group_of_roots, zygote_set_up),
        WITH(root_needs_no_user_namespace_for_the_others, waiving_it_as_root),
        WITH(as_root_no_function_is_run, remaining_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Filter and memory limits are not applied in sanitized builds. */
static int run_those_of_the_whole_seal(void)
{
    const struct CMUnitTest tests[] = {
        WITH(it_touches_few_pages_until_it_is_ready, zygote_set_up),
        WITH(its_locks_are_on, zygote_set_up),
        WITH(its_locks_are_on, as_an_ordinary_user),
        WITH(it_finds_no_file, zygote_set_up),
        WITH(it_finds_no_file, as_an_ordinary_user),
        WITH(it_makes_no_socket, zygote_set_up),
        WITH(it_makes_no_code_and_shares_no_memory, zygote_set_up),
        WITH(its_limits_are_those_of_the_order, zygote_set_up),
        WITH(it_starts_no_thread_unless_allowed, zygote_set_up),
        WITH(it_starts_as_many_threads_as_allowed, zygote_set_up),
        WITH(stacks_of_threads_leave_room_for_the_heap, zygote_set_up),
        WITH(with_threads_it_is_sealed_as_tightly, zygote_set_up),
        WITH(without_landlock_and_root_the_filter_holds, waiving_landlock_and_root),
        WITH(without_namespaces_what_is_left_says_so_and_holds, waiving_the_user_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(every_layer_holds_on_this_machine, zygote_set_up),
        WITH(every_layer_holds_on_this_machine, as_an_ordinary_user),
        WITH(it_is_nobody, zygote_set_up),
        WITH(it_is_nobody, as_an_ordinary_user),
        WITH(it_has_no_capability, zygote_set_up),
        WITH(it_has_no_capability, as_an_ordinary_user),
        WITH(it_sees_no_process_of_the_machine, zygote_set_up),
        WITH(there_is_no_file_above_a_constructor, zygote_set_up),
        WITH(there_is_no_file_above_a_constructor, as_an_ordinary_user),
        WITH(a_constructor_sees_the_processes_of_functions_alone, as_an_ordinary_user),
        WITH(it_does_not_learn_the_machines_name, zygote_set_up),
#ifdef __x86_64__
        WITH(a_division_by_zero_is_reported_as_such, zygote_set_up),
#endif
        WITH(too_much_cpu_time_is_reported_as_such, zygote_set_up),
        WITH(without_the_filter_the_other_layers_hold, waiving_seccomp),
        WITH(without_user_namespaces_threads_are_refused, waiving_the_user_namespace),
        WITH(when_the_first_process_dies_so_do_the_others, zygote_set_up),
        ALONE(a_second_after_hark_nobody_is_left),
        ALONE(a_layer_that_does_not_exist_cannot_be_waived),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!SANITIZED)
        failed += run_those_of_the_whole_seal();
    return geteuid() == 0 ? failed + run_those_for_root() : failed;
}
