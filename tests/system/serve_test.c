/* serve_test.c: how hark ends, and what of its secrets others can see while it runs. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/stage.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { UNAVAILABLE = 69, AT_ONCE_MS = 5000 /* half of what a drain may last */ };

static struct stage busy_stage(void)
{
    struct stage s = stage_set();
    stage_puppet(&s, "timeout: 60s\n");
    stage_tell(&s, "log busy; hang");
    hark_wait_line(s.hark, "worker=[0-9]+ busy");
    return s;
}

static void a_second_signal_ends_it_at_once(void **unused)
{
    (void)unused;
    struct stage s = busy_stage();
    uint64_t start_ns = clock_now_ns();
    process_signal(s.hark->process, SIGTERM);
    hark_wait_line(s.hark, "^hark: SIGTERM: ");
    process_signal(s.hark->process, SIGINT);
    assert_int_equal(process_wait(s.hark->process), 0);
    assert_in_range((clock_now_ns() - start_ns) / NS_PER_MS, 0, AT_ONCE_MS);
}

static struct stage draining_stage(const char *drain)
{
    struct stage s = {.broker = broker_start()};
    s.hark = hark_prepare(broker_url(s.broker));
    s.hark->drain = drain;
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 0 functions");
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    stage_puppet(&s, "timeout: 60s\n");
    return s;
}

/* Finished within the time means acknowledged: a hark that starts again does not see it. */
static void what_runs_is_finished_and_acknowledged_within_the_drain(void **unused)
{
    (void)unused;
    struct stage s = draining_stage("60s");
    stage_tell(&s, "log busy; work 500; say out/done first");
    hark_wait_line(s.hark, "worker=[0-9]+ busy");
    assert_int_equal(hark_stop(s.hark), 0);
    stage_expect(&s, "out/done", "first");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/done"), 1);
}

static void what_is_not_finished_within_the_drain_stays_with_the_broker(void **unused)
{
    (void)unused;
    struct stage s = draining_stage("200ms");
    stage_tell(&s, "log busy; work 3000; say out/done again");
    hark_wait_line(s.hark, "worker=[0-9]+ busy");
    assert_int_equal(hark_stop(s.hark), 0);
    hark_wait_line(s.hark, "1 messages were not finished in time; they stay with the broker");
    assert_int_equal(device_count(s.phone, "out/done"), 0);
    hark_start(s.hark);
    stage_expect(&s, "out/done", "again");
}

static void a_drain_of_0s_waits_for_nothing(void **unused)
{
    (void)unused;
    struct stage s = draining_stage("0s");
    stage_tell(&s, "log busy; hang");
    hark_wait_line(s.hark, "worker=[0-9]+ busy");
    uint64_t start_ns = clock_now_ns();
    assert_int_equal(hark_stop(s.hark), 0);
    assert_in_range((clock_now_ns() - start_ns) / NS_PER_MS, 0, AT_ONCE_MS);
}

static void a_third_signal_does_not_wait_for_anything(void **unused)
{
    (void)unused;
    struct stage s = busy_stage();
    process_signal(s.hark->process, SIGSTOP);
    process_signal(s.hark->process, SIGTERM);
    process_signal(s.hark->process, SIGINT);
    process_signal(s.hark->process, SIGHUP);
    process_signal(s.hark->process, SIGCONT);
    assert_int_equal(process_wait(s.hark->process), 70);
}

static pid_t only_child(pid_t parent)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &child), 1);
    fclose(f);
    return child;
}

/* Who would end the workers does not: it is ended, and they with it. */
static void two_signals_end_it_though_its_zygote_hangs(void **unused)
{
    (void)unused;
    struct stage s = busy_stage();
    assert_int_equal(kill(only_child(s.hark->process->pid), SIGSTOP), 0);
    process_signal(s.hark->process, SIGTERM);
    hark_wait_line(s.hark, "^hark: SIGTERM: finishing what runs$");
    process_signal(s.hark->process, SIGTERM);
    hark_wait_line(s.hark, "^hark: error: workers do not end: the zygote is killed, and they with it$");
    assert_int_equal(process_wait(s.hark->process), 0);
}

static void a_terminal_that_goes_ends_it_like_sigterm(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    process_signal(s.hark->process, SIGHUP);
    assert_int_equal(process_wait(s.hark->process), 0);
}

/* Everything that /proc shows of the process under `name`, NULs as spaces. */
static void read_proc(const struct process *p, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)p->pid, name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t len = fread(text, 1, size - 1, f);
    fclose(f);
    assert_in_range(len, 1, size - 2);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] ? text[i] : ' ';
}

static bool is_closed(const struct process *p, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)p->pid, name);
    return access(path, R_OK) < 0 && errno == EACCES;
}

static void passwords_are_gone_from_arguments_and_environment(void **unused)
{
    (void)unused;
    static char text[256 * 1024];
    const char *folder = folder_create(), *state = folder_create();
    const char *const argv[] = {
        TEST_HARK, "run", "--state", state, "--broker", "mqtt://u:topsecret@127.0.0.1:1", folder, NULL};
    struct process *p = process_start(&(struct process_options){
        .name = "hark", .argv = argv, .environment = "HARK_BROKER=mqtt://v:envsecret@127.0.0.1:1"});
    lines_wait(p->err, "^hark: ready: 0 functions");
    read_proc(p, "cmdline", text, sizeof text);
    assert_non_null(strstr(text, "mqtt://u:xxxxxxxxx@127.0.0.1:1"));
    assert_null(strstr(text, "topsecret"));
    if (geteuid() != 0) { /* to its own user, too, hark is closed: it is not dumpable */
        assert_true(is_closed(p, "environ"));
        return;
    }
    read_proc(p, "environ", text, sizeof text);
    assert_null(strstr(text, "envsecret"));
}

/* The process whose parent is p and whose program is `name`; 0: there is none. */
static pid_t find_child(const struct process *p, const char *name)
{
    DIR *proc = opendir("/proc");
    pid_t found = 0;
    assert_non_null(proc);
    for (struct dirent *e; found == 0 && (e = readdir(proc));) {
        char path[300], comm[32] = "";
        int pid, parent = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        FILE *f = fopen(path, "re");
        if (!f)
            continue;
        if (fscanf(f, "%d (%31[^)]) %*c %d", &pid, comm, &parent) == 3 && parent == p->pid &&
            strcmp(comm, name) == 0)
            found = pid;
        fclose(f);
    }
    closedir(proc);
    return found;
}

static void dev_says_that_its_broker_died_and_leaves_nothing_behind(void **unused)
{
    (void)unused;
    const char *temporary = folder_create();
    char variable[128];
    snprintf(variable, sizeof variable, "TMPDIR=%s", temporary);
    const char *const argv[] = {TEST_HARK, "dev", folder_create(), NULL};
    struct process *p =
        process_start(&(struct process_options){.name = "hark dev", .argv = argv, .environment = variable});
    lines_wait(p->err, "^hark: ready: 0 functions");
    pid_t broker = find_child(p, "mosquitto");
    assert_int_not_equal(broker, 0);
    kill(broker, SIGKILL);
    lines_wait(p->err, "the private broker has ended");
    assert_int_equal(process_wait(p), UNAVAILABLE);
    assert_int_equal(rmdir(temporary), 0); /* it is empty */
}

static void too_few_open_files_are_said_at_the_start(void **unused)
{
    (void)unused;
    static const char *const commands[] = {"run", "dev", "check"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *const argv[] = {"sh",      "-c",        "ulimit -n 16; exec \"$0\" \"$1\" \"$2\"",
                                    TEST_HARK, commands[i], folder_create(),
                                    NULL};
        struct outcome o = command_run(&(struct process_options){.name = "hark", .argv = argv});
        assert_string_equal(o.err,
                            "hark: error: only 16 open files are allowed, and at least 64 are needed: raise "
                            "the limit (ulimit -Hn, LimitNOFILE= of a service)\n");
        assert_int_equal(o.code, 70);
    }
}

static void the_limit_of_open_files_is_raised_to_the_hard_one(void **unused)
{
    (void)unused;
    const char *const argv[] = {"sh",      "-c",  "ulimit -Sn 16; ulimit -Hn; exec \"$0\" \"$1\" \"$2\"",
                                TEST_HARK, "dev", folder_create(),
                                NULL};
    temporary_folder_create();
    struct process *p = process_start(&(struct process_options){.name = "hark dev", .argv = argv});
    lines_wait(p->err, "^hark: ready: 0 functions");
    const long hard = strtol(lines_wait(p->out, "^[0-9]+$"), NULL, 10);
    struct rlimit limit;
    assert_int_equal(prlimit(p->pid, RLIMIT_NOFILE, NULL, &limit), 0);
    assert_int_equal(limit.rlim_cur, hard);
}

static void dev_refuses_a_port_that_is_taken(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    const char *port = strrchr(broker_url(b), ':') + 1;
    const char *const argv[] = {TEST_HARK, "dev", "--port", port, folder_create(), NULL};
    struct process *p = process_start(&(struct process_options){.name = "hark dev", .argv = argv});
    lines_wait(p->err, "Address already in use");
    assert_int_equal(process_wait(p), UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_second_signal_ends_it_at_once),
        system_test(what_runs_is_finished_and_acknowledged_within_the_drain),
        system_test(what_is_not_finished_within_the_drain_stays_with_the_broker),
        system_test(a_drain_of_0s_waits_for_nothing),
        system_test(a_third_signal_does_not_wait_for_anything),
        system_test(two_signals_end_it_though_its_zygote_hangs),
        system_test(a_terminal_that_goes_ends_it_like_sigterm),
        system_test(passwords_are_gone_from_arguments_and_environment),
        system_test(dev_says_that_its_broker_died_and_leaves_nothing_behind),
        system_test(dev_refuses_a_port_that_is_taken),
        system_test(too_few_open_files_are_said_at_the_start),
        system_test(the_limit_of_open_files_is_raised_to_the_hard_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
