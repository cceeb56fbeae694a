/* zygote_test.c: hark-worker as the parent of workers: what it is told, what it reports, how it ends. */
#include "zygote_harness.h"

#include "shared/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static void a_killed_worker_is_reported_with_its_signal(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    zygote_order(ZYGOTE_KILL, w.id);
    worker_expect_exit(&w, SIGNALLED(SIGKILL));
    worker_release(&w);
}

static void a_stopped_worker_can_be_killed(void **unused)
{
    (void)unused;
    struct worker w = worker_start("misbehave");
    worker_invoke(&w, 1, "in", "sigstop");
    zygote_order(ZYGOTE_KILL, w.id);
    worker_expect_exit(&w, SIGNALLED(SIGKILL));
    worker_release(&w);
}

static void a_kill_that_crosses_the_death_hits_nobody(void **unused)
{
    (void)unused;
    struct worker dead = worker_start("relay"), alive = worker_start("relay");
    zygote_order(ZYGOTE_KILL, dead.id);
    worker_expect_exit(&dead, SIGNALLED(SIGKILL));
    zygote_order(ZYGOTE_KILL, dead.id);
    zygote_order(ZYGOTE_KILL, alive.id + 1000);
    worker_invoke(&alive, 1, "in", "hello");
    worker_expect_publish(&alive, 1, "out/in", "hello");
    worker_release(&dead);
    worker_release(&alive);
}

static void every_way_to_end_is_reported_as_it_was(void **unused)
{
    (void)unused;
    static const struct {
        const char *deed;
        int status;
    } ends[] = {{"crash", SIGNALLED(SIGSEGV)}, {"abort", SIGNALLED(SIGABRT)}, {"exit", EXITED(0)}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct worker w = worker_start("misbehave");
        worker_invoke(&w, 1, "in", ends[i].deed);
        worker_expect_exit(&w, ends[i].status);
        worker_release(&w);
    }
}

static void one_crash_leaves_the_other_worker_alone(void **unused)
{
    (void)unused;
    struct worker bad = worker_start("misbehave"), good = worker_start("relay");
    worker_invoke(&bad, 1, "in", "crash");
    worker_expect_exit(&bad, SIGNALLED(SIGSEGV));
    worker_invoke(&good, 1, "in", "hello");
    worker_expect_publish(&good, 1, "out/in", "hello");
    worker_release(&bad);
    worker_release(&good);
}

static void without_hark_it_kills_its_workers_and_ends(void **unused)
{
    (void)unused;
    struct worker busy = worker_start("misbehave"), idle = worker_start("relay");
    worker_invoke(&busy, 1, "in", "hang");
    shutdown(zygote.control, SHUT_WR);
    zygote_expect_exit(0);
    worker_expect_end_of_channel(&busy);
    worker_expect_end_of_channel(&idle);
    worker_release(&busy);
    worker_release(&idle);
}

static void its_death_is_its_workers_death(void **unused)
{
    (void)unused;
    struct worker busy = worker_start("misbehave");
    worker_invoke(&busy, 1, "in", "hang");
    kill(zygote.pid, SIGKILL);
    worker_expect_end_of_channel(&busy);
    worker_release(&busy);
}

static void harks_death_is_its_death(void **unused)
{
    (void)unused;
    char byte;
    zygote_open();
    pid_t hark = fork();
    if (hark == 0) {
        zygote_launch(getpid());
        pause();
    }
    zygote_close_far_ends();
    struct worker w = worker_start("relay");
    kill(hark, SIGKILL);
    waitpid(hark, NULL, 0);
    worker_expect_end_of_channel(&w);
    assert_true(recv(zygote.control, &byte, 1, 0) <= 0); /* nobody has the other end any more */
    worker_release(&w);
}

static void it_does_not_serve_a_parent_that_died_early(void **unused)
{
    (void)unused;
    zygote_open();
    zygote_launch(1); /* not us: as if we had died and it been given to another */
    zygote_close_far_ends();
    zygote_expect_exit(EX_OSERR);
    zygote_expect_complaint("hark-worker: cannot start: No such process\n");
}

static void started_by_hand_it_says_what_to_do_instead(void **unused)
{
    (void)unused;
    zygote_open();
    zygote.pid = fork();
    if (zygote.pid == 0) {
        dup2(zygote.far_complaints, STDERR_FILENO);
        close(ZYGOTE_FD);
        execl(HARK_WORKER, "hark-worker", (char *)NULL);
        _exit(127);
    }
    zygote_close_far_ends();
    zygote_expect_exit(EX_USAGE);
    zygote_expect_complaint("hark-worker: hark starts this program by itself: use `hark run`, or `hark "
                            "invoke` to try a function\n");
}

static void an_order_of_the_wrong_size_ends_it(void **unused)
{
    (void)unused;
    assert_int_equal(send(zygote.control, "fork!", 5, 0), 5);
    zygote_expect_exit(EX_PROTOCOL);
    zygote_expect_complaint("hark-worker: an order of the wrong size or form\n");
}

static void an_unknown_order_ends_it_and_its_workers(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    zygote_order(99, 1);
    zygote_expect_exit(EX_PROTOCOL);
    zygote_expect_complaint("hark-worker: an order of an unknown type\n");
    worker_expect_end_of_channel(&w);
    worker_release(&w);
}

static void a_fork_order_without_descriptors_ends_it(void **unused)
{
    (void)unused;
    zygote_order(ZYGOTE_FORK, 1);
    zygote_expect_exit(EX_PROTOCOL);
    zygote_expect_complaint("hark-worker: a fork order without its three or four descriptors\n");
}

/* It could not bring them in. */
static void a_fork_order_with_grants_ends_it(void **unused)
{
    (void)unused;
    struct {
        struct zygote_order order;
        char grants[GRANTS_BYTES_MAX];
    } packet = {.order = {.type = ZYGOTE_FORK, .worker = 1}};
    const struct grants grants = {.ports = {80}, .port_count = 1};
    packet.order.grants_bytes = grants_encode(&grants, packet.grants);
    size_t bytes = offsetof(typeof(packet), grants) + packet.order.grants_bytes;
    assert_int_equal(send(zygote.control, &packet, bytes, 0), bytes);
    zygote_expect_exit(EX_PROTOCOL);
    zygote_expect_complaint("hark-worker: a fork order with grants, which are for another zygote\n");
}

static void expect_status(const char *line)
{
    char path[64], found[128];
    snprintf(path, sizeof path, "/proc/%d/status", (int)zygote.pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    do
        assert_non_null(fgets(found, sizeof found, f));
    while (strncmp(found, line, strcspn(line, "\t")) != 0);
    fclose(f);
    assert_string_equal(found, line);
}

/* What it has given up, no worker has to. */
static void it_is_sealed_itself(void **unused)
{
    (void)unused;
    (void)zygote_read_layers();
    expect_status("CapPrm:\t0000000000000000\n");
    expect_status("CapEff:\t0000000000000000\n");
    expect_status("NoNewPrivs:\t1\n");
    if (!SANITIZED)
        expect_status("Seccomp:\t2\n");
}

/* The zygote has 128 descriptors: one lost in three forks would end this. */
static void three_hundred_forks_lose_no_descriptor(void **unused)
{
    (void)unused;
    for (int i = 0; i < 300; i++) {
        struct worker w = worker_fork("relay", 0);
        zygote_order(ZYGOTE_KILL, w.id);
        worker_expect_exit(&w, SIGNALLED(SIGKILL));
        worker_release(&w);
    }
}

static void a_ping_is_answered(void **unused)
{
    (void)unused;
    zygote_order(ZYGOTE_PING, 0);
    struct zygote_report report = zygote_next_report();
    assert_int_equal(report.type, ZYGOTE_PONG);
    assert_int_equal(report.worker, 0);
}

static void a_polite_signal_does_not_end_it(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    kill(zygote.pid, SIGTERM);
    kill(w.pid, SIGTERM);
    kill(w.pid, SIGINT);
    worker_invoke(&w, 1, "in", "hello");
    worker_expect_publish(&w, 1, "out/in", "hello");
    worker_release(&w);
}

static void it_has_left_the_terminals_session(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    assert_int_equal(getsid(w.pid), zygote.pid);
    worker_release(&w);
}

#define ALONE(test) cmocka_unit_test_teardown(test, zygote_tear_down)

/* Fails closed: it is not born elsewhere instead. */
static void a_worker_whose_cgroup_is_none_is_not_born(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    worker_order_into("relay", open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct zygote_report report = zygote_next_report();
    assert_int_equal(report.type, ZYGOTE_FORK_FAILED);
    assert_int_equal(report.status, EBADF);
    worker_invoke(&w, 1, "in", "hello");
    worker_expect_publish(&w, 1, "out/in", "hello");
    worker_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ZYGOTE(a_killed_worker_is_reported_with_its_signal),
        WITH_ZYGOTE(a_stopped_worker_can_be_killed),
        WITH_ZYGOTE(a_kill_that_crosses_the_death_hits_nobody),
        WITH_ZYGOTE(every_way_to_end_is_reported_as_it_was),
        WITH_ZYGOTE(one_crash_leaves_the_other_worker_alone),
        WITH_ZYGOTE(without_hark_it_kills_its_workers_and_ends),
        WITH_ZYGOTE(its_death_is_its_workers_death),
        ALONE(harks_death_is_its_death),
        ALONE(it_does_not_serve_a_parent_that_died_early),
        ALONE(started_by_hand_it_says_what_to_do_instead),
        WITH_ZYGOTE(an_order_of_the_wrong_size_ends_it),
        WITH_ZYGOTE(an_unknown_order_ends_it_and_its_workers),
        WITH_ZYGOTE(a_fork_order_without_descriptors_ends_it),
        WITH_ZYGOTE(a_worker_whose_cgroup_is_none_is_not_born),
        WITH_ZYGOTE(three_hundred_forks_lose_no_descriptor),
        WITH_ZYGOTE(a_fork_order_with_grants_ends_it),
        WITH_ZYGOTE(it_is_sealed_itself),
        WITH_ZYGOTE(a_ping_is_answered),
        WITH_ZYGOTE(a_polite_signal_does_not_end_it),
        WITH_ZYGOTE(it_has_left_the_terminals_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
