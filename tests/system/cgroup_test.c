/* cgroup_test.c: functions in cgroups of their own, in a real part of the machine's tree. Limits of processes
 * and the filter are waived where they would stop an attack first: here the cgroup has to hold alone. */
#include "shared/check.h"
#include "shared/clock.h"
#include "subtree.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/device.h"
#include "support/files.h"
#include "support/hark.h"
#include "support/mosquitto_broker.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, EXTRA_MIB = 16, LOOK_AGAIN_MS = 5 };

/* A hark in a cgroup of its own, a broker and a device that stay outside. */
static struct stage given_a_hark_with(const char *cgroup, const char *first, const char *second)
{
    struct stage s = {.broker = broker_start()};
    s.hark = hark_prepare(broker_url(s.broker));
    s.hark->cgroup = cgroup;
    s.hark->more[0] = first;
    s.hark->more[1] = second;
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 0 functions");
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    device_subscribe(s.phone, "hark/dead/#", 1);
    return s;
}

static struct stage given_a_hark_in(const char *cgroup)
{
    return given_a_hark_with(cgroup, NULL, NULL);
}

static void deploy(struct stage *s, const char *so, const char *name, const char *more)
{
    char file[64], line[96];
    snprintf(file, sizeof file, "%s.so", name);
    file_copy(so, hark_file(s->hark, file));
    hark_manifest(s->hark, name,
                  "function: %s\nhandler: %s\ntriggers: [ { topic: do/%s } ]\npublishes: [ \"out/#\" ]\n"
                  "retry: { attempts: 1 }\n%s",
                  name, file, name, more);
    snprintf(line, sizeof line, "^hark: deployed %s ", name);
    hark_wait_line(s->hark, line);
}

static void deploy_puppet(struct stage *s, const char *name, const char *more)
{
    deploy(s, path_in(TEST_PUPPETS, "puppet.so"), name, more);
}

static void deploy_hostile(struct stage *s, const char *so, const char *name, const char *more)
{
    deploy(s, path_in(TEST_FUNCTIONS "/hostile", so), name, more);
}

/* Of a hostile function, whom it could attack. */
static void provoke(struct stage *s, const char *name)
{
    char topic[64];
    snprintf(topic, sizeof topic, "do/%s", name);
    device_publish(s->phone, topic, "1 1 1 / /", 1);
}

/* Handles a message, and so has a worker that is up. */
static void works(struct stage *s, const char *name)
{
    char topic[64];
    snprintf(topic, sizeof topic, "do/%s", name);
    device_publish(s->phone, topic, "say out/works yes", 1);
    device_expect(s->phone, "out/works", "yes");
}

static const char *dead_reason(struct stage *s)
{
    return message_property(device_wait(s->phone, "hark/dead/#"), "hark-reason");
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

/* ---- looking into cgroups ---- */

static const char *function_folder(const char *cgroup, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "functions/function-%s", name);
    return path_in(cgroup, path);
}

/* A control file has no length that could be asked for. Until the end of the test. */
static char *text_of(const char *folder, const char *file)
{
    enum { TEXT_MAX = 4096 };
    char *text = must_alloc(TEXT_MAX);
    at_end_of_test(free, text);
    FILE *f = fopen(path_in(folder, file), "re");
    size_t len = f ? fread(text, 1, TEXT_MAX - 1, f) : 0;
    if (!f)
        give_up("no %s/%s", folder, file);
    fclose(f);
    text[len] = '\0';
    return text;
}

static void has_value(const char *folder, const char *file, const char *expected)
{
    char *text = text_of(folder, file);
    text[strcspn(text, "\n")] = '\0';
    assert_string_equal(text, expected);
}

static void has_number(const char *folder, const char *file, unsigned long long expected)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", expected);
    has_value(folder, file, text);
}

static uint64_t count_in(const char *folder, const char *file, const char *key)
{
    char *text = text_of(folder, file), *at = strstr(text, key);
    assert_non_null(at);
    uint64_t count = strtoull(at + strlen(key), NULL, 10);
    return count;
}

static bool holds(const char *folder, pid_t pid)
{
    char line[16], *text = text_of(folder, "cgroup.procs");
    snprintf(line, sizeof line, "%d\n", pid);
    const char *at = strstr(text, line);
    bool held = at && (at == text || at[-1] == '\n');
    return held;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The kernel tells nobody when a cgroup is removed. */
static void await_removal(const char *folder)
{
    uint64_t until_ns = clock_now_ns() + GUARD_MS * NS_PER_MS;
    while (is_there(folder)) {
        if (clock_now_ns() > until_ns)
            give_up("%s stays", folder);
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

/* The processes in it that have a function. */
static size_t workers_in(const char *folder, const char *function)
{
    char *text = text_of(folder, "cgroup.procs"), *rest = NULL;
    size_t count = 0;
    for (char *pid = strtok_r(text, "\n", &rest); pid; pid = strtok_r(NULL, "\n", &rest)) {
        char path[64], name[32] = "", expected[32];
        snprintf(path, sizeof path, "/proc/%s/comm", pid);
        snprintf(expected, sizeof expected, "hark:%s\n", function);
        FILE *f = fopen(path, "re");
        count += f && fgets(name, sizeof name, f) && strcmp(name, expected) == 0;
        if (f)
            fclose(f);
    }
    return count;
}

/* ---- the tree ---- */

static void doctor_says_that_it_is_enforced(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create(), *const argv[] = {TEST_HARK, "doctor", NULL};
    struct outcome o = command_run(&(struct process_options){.name = "hark", .argv = argv, .cgroup = cgroup});
    assert_int_equal(o.code, 0);
    assert_contains(o.out, "enforced  cgroup ");
    assert_contains(o.out, "hark-1: memory, pids, cpu\n");
    assert_false(is_there(path_in(cgroup, "hark")));
}

static void everybody_is_in_the_right_place(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create();
    struct stage s = given_a_hark_in(cgroup);
    assert_int_equal(
        hark_count_lines(s.hark, "^hark: functions have cgroups of their own below .*: memory, pids, cpu$"),
        1);
    deploy_puppet(&s, "one", "instances: { min: 1 }\n");
    deploy_puppet(&s, "two", "instances: { min: 1 }\n");
    works(&s, "one");
    works(&s, "two");
    assert_true(holds(path_in(cgroup, "hark"), s.hark->process->pid));
    assert_int_equal(workers_in(function_folder(cgroup, "one"), "one"), 1);
    assert_int_equal(workers_in(function_folder(cgroup, "two"), "two"), 1);
    assert_int_equal(workers_in(function_folder(cgroup, "one"), "two"), 0);
    assert_int_equal(workers_in(function_folder(cgroup, "two"), "one"), 0);
    assert_true(count_in(path_in(cgroup, "functions/zygote"), "cgroup.events", "populated ") == 1);
}

static void limits_are_those_of_the_manifest(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create(), *folder = function_folder(cgroup, "one");
    struct stage s = given_a_hark_in(cgroup);
    deploy_puppet(&s, "one", "instances: { max: 3 }\nlimits: { memory: 8MiB, cpu_quota: 50% }\n");
    has_number(folder, "memory.max", 4ull * (8 + EXTRA_MIB) * MIB);
    has_value(folder, "pids.max", "8");
    has_value(folder, "cpu.max", "5000 10000");
    has_value(folder, "cpu.weight", "100");
    has_value(path_in(cgroup, "functions"), "cpu.weight", "100");
    has_value(path_in(cgroup, "functions/zygote"), "cpu.weight", "1000");
    has_value(path_in(cgroup, "hark"), "cpu.weight", "1000");
}

static void another_version_changes_the_limits(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create(), *folder = function_folder(cgroup, "one");
    struct stage s = given_a_hark_in(cgroup);
    deploy_puppet(&s, "one", "limits: { memory: 32MiB }\n");
    works(&s, "one");
    deploy_puppet(&s, "one", "limits: { memory: 8MiB, cpu_quota: 1% }\n");
    works(&s, "one");
    deploy_puppet(&s, "two", ""); /* when that is done, what was left of the old version is, too */
    works(&s, "two");
    uint64_t until_ns = clock_now_ns() + GUARD_MS * NS_PER_MS;
    while (count_in(folder, "memory.max", "") != 2ull * (8 + EXTRA_MIB) * MIB && clock_now_ns() < until_ns)
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    has_number(folder, "memory.max", 2ull * (8 + EXTRA_MIB) * MIB);
    has_value(folder, "cpu.max", "2000 200000");
}

/* ---- what is left ---- */

static void the_cgroup_of_a_function_goes_with_it(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create(), *folder = function_folder(cgroup, "one");
    struct stage s = given_a_hark_in(cgroup);
    deploy_puppet(&s, "one", "instances: { min: 1 }\n");
    works(&s, "one");
    assert_true(is_there(folder));
    file_remove(hark_file(s.hark, "one.yaml"));
    hark_wait_line(s.hark, "^hark: undeployed one");
    await_removal(folder);
    deploy_puppet(&s, "one", "");
    works(&s, "one");
    assert_true(is_there(folder));
}

static void a_hark_that_ends_leaves_nothing(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create();
    struct stage s = given_a_hark_in(cgroup);
    deploy_puppet(&s, "one", "instances: { min: 1 }\n");
    works(&s, "one");
    assert_int_equal(hark_stop(s.hark), 0);
    assert_false(is_there(path_in(cgroup, "functions")));
    assert_false(is_there(path_in(cgroup, "hark")));
    has_value(cgroup, "cgroup.subtree_control", "");
    assert_int_equal(count_in(cgroup, "cgroup.events", "populated "), 0);
}

static void what_a_killed_hark_left_is_cleared_by_the_next(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create();
    struct stage s = given_a_hark_in(cgroup);
    deploy_puppet(&s, "one", "instances: { min: 1 }\n");
    deploy_puppet(&s, "two", "");
    works(&s, "one");
    hark_kill(s.hark);
    subtree_await_empty(cgroup);
    assert_true(is_there(function_folder(cgroup, "one")));
    file_remove(hark_file(s.hark, "one.yaml"));
    subtree_take_back(cgroup);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    assert_false(is_there(function_folder(cgroup, "one")));
    works(&s, "two");
}

/* Nothing that a signal to the worker reaches: only its cgroup knows whose it is. */
static void what_a_function_leaves_behind_dies_with_its_cgroup(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create(), *folder = function_folder(cgroup, "leaver");
    struct stage s = given_a_hark_with(cgroup, "--insecure=seccomp", "--insecure=limits");
    deploy(&s, path_in(TEST_PUPPETS, "leaver.so"), "leaver", "instances: { idle: 0s }\n");
    device_publish(s.phone, "do/leaver", "", 1);
    device_expect(s.phone, "out/left", "yes");
    deploy_puppet(&s, "two", ""); /* spares wait there from now on */
    works(&s, "two");
    file_remove(hark_file(s.hark, "leaver.yaml"));
    hark_wait_line(s.hark, "^hark: undeployed leaver");
    await_removal(folder);
    works(&s, "two");
}

/* ---- bombs ---- */

static void memory_of_the_heap_ends_with_the_cgroups(void **unused)
{
    (void)unused;
    subtree_needed();
    struct stage s = given_a_hark_with(subtree_create(), "--insecure=limits", NULL);
    deploy_puppet(&s, "two", "instances: { min: 1 }\n");
    deploy_hostile(&s, "heap_bomb.so", "bomb", "limits: { memory: 4MiB }\n");
    for (int i = 0; i < 2; i++) { /* each such end is told as what it was */
        provoke(&s, "bomb");
        assert_string_equal(dead_reason(&s),
                            "crash: killed: out of memory (limits.memory 4MiB; all workers of "
                            "the function may have 40MiB together)");
    }
    hark_wait_line(s.hark, "^hark: warning: function=bomb worker=[0-9]+ killed: out of memory ");
    works(&s, "two");
}

/* tmpfs, which no limit of a process counts. */
static void memory_in_files_ends_with_the_cgroups(void **unused)
{
    (void)unused;
    subtree_needed();
    struct stage s = given_a_hark_with(subtree_create(), "--insecure=limits", "--insecure=seccomp");
    deploy_hostile(&s, "memfd_bomb.so", "bomb", "limits: { memory: 4MiB }\n");
    provoke(&s, "bomb");
    assert_contains(dead_reason(&s), "killed: out of memory (limits.memory 4MiB; ");
}

/* What a sealed function may have most of: it is its own bound that stops it, and no worker is killed. */
static void pipes_of_a_sealed_function_fit_into_its_cgroup(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create();
    struct stage s = given_a_hark_in(cgroup);
    deploy_hostile(&s, "pipe_bomb.so", "bomb", "limits: { memory: 64MiB, files: 1024 }\n");
    provoke(&s, "bomb");
    device_expect(s.phone, "out/pipe_bomb", "EMFILE");
    assert_int_equal(count_in(function_folder(cgroup, "bomb"), "memory.events", "oom_kill "), 0);
}

static void a_sigkill_that_is_not_the_kernels_is_not_told_as_one(void **unused)
{
    (void)unused;
    subtree_needed();
    struct stage s = given_a_hark_in(subtree_create());
    deploy_puppet(&s, "one", "instances: { min: 1 }\n");
    works(&s, "one");
    device_publish(s.phone, "do/one", "say out/hangs now; hang", 1);
    assert_int_not_equal(worker_signal_all(s.hark->process->pid, SIGKILL), 0);
    hark_wait_line(s.hark, "^hark: warning: function=one worker=[0-9]+ killed by SIGKILL \\(Killed\\)");
}

static void threads_end_with_the_cgroups(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create();
    struct stage s = given_a_hark_with(cgroup, "--insecure=limits", "--insecure=seccomp");
    deploy_puppet(&s, "two", "");
    deploy_hostile(&s, "thread_bomb.so", "bomb", "");
    provoke(&s, "bomb");
    int count = -1;
    const char *got = device_wait(s.phone, "out/thread_bomb")->payload;
    assert_int_equal(sscanf(got, "%d and EAGAIN", &count), 1);
    assert_in_range(count, 1, 5); /* pids.max 6, the worker itself and spares included */
    works(&s, "two");
}

/* ---- processor time ---- */

static void a_quota_is_kept(void **unused)
{
    (void)unused;
    subtree_needed();
    const char *cgroup = subtree_create(), *folder = function_folder(cgroup, "burner");
    struct stage s = given_a_hark_in(cgroup);
    deploy_hostile(&s, "busy_loop.so", "burner", "timeout: 3s\nlimits: { cpu_quota: 20% }\n");
    uint64_t before_us = count_in(folder, "cpu.stat", "usage_usec "), start_ns = clock_now_ns();
    provoke(&s, "burner");
    assert_contains(dead_reason(&s), "timeout: ");
    uint64_t used_us = count_in(folder, "cpu.stat", "usage_usec ") - before_us;
    uint64_t passed_us = (clock_now_ns() - start_ns) / 1000;
    print_message("cpu_quota 20%%: used %.1f%% of a processor\n",
                  100.0 * (double)used_us / (double)passed_us);
    assert_true(count_in(folder, "cpu.stat", "nr_throttled ") > 0);
    assert_in_range(used_us, passed_us * 10 / 100, passed_us * 25 / 100);
}

/* Anywhere: the cgroup that a test was started in is not hark's own, since the test is in it. */
static void a_quota_that_cannot_be_kept_is_said(void **unused)
{
    (void)unused;
    struct stage s = given_a_hark_in(NULL);
    assert_int_equal(hark_count_lines(s.hark, "^hark: functions have no cgroups of their own: "), 1);
    deploy_puppet(&s, "one", "limits: { cpu_quota: 50% }\n");
    assert_int_equal(
        hark_count_lines(s.hark, "^hark: warning: function=one limits.cpu_quota has no effect: "), 1);
    struct outcome o = hark_command("check", s.hark->folder);
    assert_contains(o.err, "hark: warning: function=one limits.cpu_quota has no effect: ");
    assert_int_equal(o.code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(doctor_says_that_it_is_enforced),
        system_test(everybody_is_in_the_right_place),
        system_test(limits_are_those_of_the_manifest),
        system_test(another_version_changes_the_limits),
        system_test(the_cgroup_of_a_function_goes_with_it),
        system_test(a_hark_that_ends_leaves_nothing),
        system_test(what_a_killed_hark_left_is_cleared_by_the_next),
        system_test(what_a_function_leaves_behind_dies_with_its_cgroup),
        system_test(memory_of_the_heap_ends_with_the_cgroups),
        system_test(memory_in_files_ends_with_the_cgroups),
        system_test(pipes_of_a_sealed_function_fit_into_its_cgroup),
        system_test(a_sigkill_that_is_not_the_kernels_is_not_told_as_one),
        system_test(threads_end_with_the_cgroups),
        system_test(a_quota_is_kept),
        system_test(a_quota_that_cannot_be_kept_is_said),
    };
    subtree_look();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
