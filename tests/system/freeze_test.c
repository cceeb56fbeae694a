/* freeze_test.c: processes that are stopped and never go on. What hark waits for is found out and replaced;
 * what nothing depends on is left alone. */
#include "support/cleanup.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PIDS_MAX = 32 };

#define REPLACED                                                                                             \
    "^hark: error: the zygote gave no answer for 8 s and was killed; its workers died with it; a new one "   \
    "starts in 100 ms$"

static const char *name_of(pid_t pid)
{
    static char name[64];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f || !fgets(name, sizeof name, f))
        name[0] = '\0';
    if (f)
        fclose(f);
    return name;
}

/* All messages that were on their way are answered, by the first attempt of each, once. */
static void expect_first_attempts(struct stage *s, int count)
{
    for (int i = 0; i < count; i++)
        stage_expect(s, "out/attempt", "1");
    stage_still_serves(s);
    assert_int_equal(device_count(s->phone, "out/attempt"), count);
    assert_int_equal(device_count(s->phone, "hark/dead/#"), 0);
}

/* The only worker dies: its death cannot be told by a zygote that is stopped, nor can another be born. If the
 * zygote was stopped right after the birth, it even holds the worker's channel open: then the first message
 * lies in there, unread, until its timeout. */
static void given_messages_that_wait(struct stage *s, pid_t zygote, int count)
{
    assert_int_equal(kill(zygote, SIGSTOP), 0);
    assert_int_not_equal(worker_signal_all(s->hark->process->pid, SIGKILL), 0);
    for (int i = 0; i < count; i++)
        stage_tell(s, "attempt out/attempt");
}

static pid_t only_child_of(pid_t hark)
{
    pid_t pids[PIDS_MAX];
    assert_int_equal(child_pids(hark, pids, PIDS_MAX), 1);
    return pids[0];
}

static void a_frozen_zygote_is_replaced_and_no_message_is_lost(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_still_serves(&s);
    pid_t frozen = only_child_of(s.hark->process->pid);
    given_messages_that_wait(&s, frozen, 5);
    hark_wait_line(s.hark, REPLACED);
    expect_first_attempts(&s, 5);
    assert_int_not_equal(only_child_of(s.hark->process->pid), frozen);
    assert_int_equal(hark_stop(s.hark), 0);
}

static void the_networked_zygote_is_replaced_as_well(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    pid_t pids[PIDS_MAX], first = only_child_of(s.hark->process->pid);
    stage_puppet(&s, "sandbox: { network: { tcp: [ 9 ] } }\n");
    stage_still_serves(&s);
    assert_int_equal(child_pids(s.hark->process->pid, pids, PIDS_MAX), 2);
    pid_t networked = pids[0] == first ? pids[1] : pids[0];
    given_messages_that_wait(&s, networked, 3);
    hark_wait_line(s.hark, REPLACED);
    expect_first_attempts(&s, 3);
    assert_int_equal(kill(first, 0), 0);
    assert_int_equal(hark_count_lines(s.hark, "the zygote "), 1);
    assert_int_equal(hark_stop(s.hark), 0);
}

/* It does nothing but live: neither births nor deaths need it. */
static void the_first_process_of_the_namespace_may_be_frozen(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    pid_t pids[PIDS_MAX], first = 0;
    stage_puppet(&s, "");
    stage_still_serves(&s);
    size_t count = descendant_pids(s.hark->process->pid, pids, PIDS_MAX);
    for (size_t i = 0; i < count; i++)
        if (strcmp(name_of(pids[i]), "hark-first\n") == 0)
            first = pids[i];
    assert_int_not_equal(first, 0);
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, first, 0), .events = POLLIN};
    assert_int_equal(kill(first, SIGSTOP), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_not_equal(worker_signal_all(s.hark->process->pid, SIGKILL), 0);
        stage_still_serves(&s);
    }
    assert_int_equal(hark_stop(s.hark), 0);
    assert_int_equal(poll(&end, 1, GUARD_MS), 1);
    close(end.fd);
}

static void hark_stops_though_its_zygote_is_frozen(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_still_serves(&s);
    assert_int_equal(kill(only_child_of(s.hark->process->pid), SIGSTOP), 0);
    assert_int_equal(hark_stop(s.hark), 0);
}

/* It had not begun what came then. */
static void a_worker_frozen_between_messages_costs_none_an_attempt(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "timeout: 4s\n");
    stage_still_serves(&s);
    assert_int_not_equal(worker_signal_all(s.hark->process->pid, SIGSTOP), 0);
    for (int i = 0; i < 3; i++)
        stage_tell(&s, "attempt out/attempt");
    hark_wait_line(
        s.hark, "^hark: warning: function=puppet worker=[0-9]+ did not finish within 4000 ms \\(timeout\\)$");
    expect_first_attempts(&s, 3);
    assert_int_equal(hark_stop(s.hark), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_frozen_zygote_is_replaced_and_no_message_is_lost),
        system_test(the_networked_zygote_is_replaced_as_well),
        system_test(the_first_process_of_the_namespace_may_be_frozen),
        system_test(hark_stops_though_its_zygote_is_frozen),
        system_test(a_worker_frozen_between_messages_costs_none_an_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
