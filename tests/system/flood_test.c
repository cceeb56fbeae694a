/* flood_test.c: nothing is lost at full speed, whatever happens meanwhile.
 *
 * A device publishes numbers; a function echoes each; every number must come back. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/proxy.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <signal.h>
#include <stdio.h>

enum { MESSAGES = 20000, STEP = 4000, ENOUGH_MS = 80000, OVERWRITE_MS = 200, KILL_MS = 20, CUT_MS = 1000 };

#define ECHO_MANIFEST                                                                                        \
    "function: echo\n"                                                                                       \
    "handler: echo.so\n"                                                                                     \
    "triggers: [ { topic: echo/in } ]\n"                                                                     \
    "publishes: [ echo/out ]\n"

struct flood {
    struct broker *broker;
    struct proxy *proxy; /* between hark and the broker */
    struct hark *hark;
    struct device *sender, *receiver;
    struct tally *tally;
    uint64_t began_ns;
};

static struct flood flood_prepare_with(const struct broker_options *o, const char *more_manifest)
{
    struct flood f = {.broker = broker_start_with(o), .tally = tally_create(MESSAGES)};
    f.proxy = proxy_start(broker_port(f.broker));
    f.hark = hark_run(proxy_url(f.proxy));
    hark_install(f.hark, "echo.so", "echo.so");
    hark_manifest(f.hark, "echo", ECHO_MANIFEST "%s", more_manifest);
    hark_wait_line(f.hark, "^hark: deployed echo ");
    f.receiver = device_connect_with(&(struct device_options){
        .port = broker_port(f.broker), .id = "receiver", .is_v311 = true, .resumes = true});
    device_tally(f.receiver, f.tally);
    device_subscribe(f.receiver, "echo/out", 2);
    f.sender = device_connect(broker_port(f.broker), "sender");
    return f;
}

static struct flood flood_prepare(const char *more_manifest)
{
    return flood_prepare_with(&(struct broker_options){0}, more_manifest);
}

static void flood_begin(struct flood *f, size_t window)
{
    f->began_ns = clock_now_ns();
    device_flood(f->sender, "echo/in", MESSAGES, window);
}

static bool flood_may_go_on(const struct flood *f)
{
    return clock_now_ns() - f->began_ns < ENOUGH_MS * NS_PER_MS;
}

/* Every number came back, and nothing that was never sent. */
static void flood_lost_nothing(struct flood *f)
{
    bool complete = tally_complete(f->tally, ENOUGH_MS);
    uint64_t took_ms = (clock_now_ns() - f->began_ns) / NS_PER_MS;
    size_t distinct = tally_distinct(f->tally);
    print_message("%zu replies, %zu lost, %zu duplicates, %llu ms\n", distinct, MESSAGES - distinct,
                  tally_duplicates(f->tally), (unsigned long long)took_ms);
    if (!complete)
        give_up("%zu replies are missing", MESSAGES - distinct);
    device_flood_join(f->sender);
    assert_int_equal(tally_strange(f->tally), 0);
}

static void full_speed_loses_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("");
    flood_begin(&f, 100);
    flood_lost_nothing(&f);
    assert_int_equal(tally_duplicates(f.tally), 0);
}

static void four_workers_lose_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("instances: { max: 4 }\norder: none\n");
    flood_begin(&f, 20);
    flood_lost_nothing(&f);
    assert_int_equal(tally_duplicates(f.tally), 0);
}

static void deploys_in_place_lose_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("");
    const char *const builds[] = {path_in(TEST_PUPPETS, "echo.so"), path_in(TEST_PUPPETS, "echo-two.so")};
    const char *so = hark_file(f.hark, "echo.so");
    tally_watch(f.tally, "two");
    flood_begin(&f, 20);
    for (size_t turn = 1; !tally_complete(f.tally, OVERWRITE_MS) && flood_may_go_on(&f); turn++)
        file_copy(builds[turn % 2], so);
    flood_lost_nothing(&f);
    size_t by_two = tally_watched(f.tally), deploys = hark_count_lines(f.hark, "^hark: deployed echo ");
    print_message("%zu deploys, %zu replies by the second build\n", deploys, by_two);
    assert_int_equal(tally_duplicates(f.tally), 0);
    assert_true(deploys >= 2);
    assert_in_range(by_two, 1, MESSAGES - 1);
}

static void killed_workers_lose_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("instances: { max: 4 }\norder: none\n"
                                   "retry: { attempts: 100, backoff: 1ms, max_backoff: 10ms }\n");
    unsigned seed = 1;
    size_t kills = 0;
    flood_begin(&f, 100);
    while (!tally_complete(f.tally, KILL_MS) && flood_may_go_on(&f))
        kills += worker_kill_random(f.hark->process->pid, &seed) != 0;
    print_message("%zu workers killed\n", kills);
    flood_lost_nothing(&f);
    assert_int_equal(tally_duplicates(f.tally), 0);
    assert_true(kills >= 5);
}

static void a_connection_that_is_cut_loses_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("");
    size_t cuts = 0;
    flood_begin(&f, 20);
    while (!tally_complete(f.tally, 0) && flood_may_go_on(&f)) {
        tally_reaches(f.tally, tally_distinct(f.tally) + 1, GUARD_MS); /* it is connected again */
        tally_reaches(f.tally, tally_distinct(f.tally) + STEP, CUT_MS);
        cuts += proxy_cut(f.proxy) > 0;
    }
    print_message("%zu cuts\n", cuts);
    flood_lost_nothing(&f);
    assert_true(cuts >= 3);
}

static void hark_killed_in_the_middle_loses_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("");
    flood_begin(&f, 100);
    assert_true(tally_reaches(f.tally, MESSAGES / 4, ENOUGH_MS));
    hark_kill(f.hark);
    assert_in_range(tally_distinct(f.tally), MESSAGES / 4, MESSAGES - 1);
    hark_start(f.hark);
    flood_lost_nothing(&f);
}

static void hark_stopped_in_the_middle_loses_and_repeats_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("");
    flood_begin(&f, 100);
    assert_true(tally_reaches(f.tally, MESSAGES / 4, ENOUGH_MS));
    assert_int_equal(hark_stop(f.hark), 0);
    assert_in_range(tally_distinct(f.tally), MESSAGES / 4, MESSAGES - 1);
    hark_start(f.hark);
    flood_lost_nothing(&f);
    assert_int_equal(tally_duplicates(f.tally), 0);
}

static void a_queue_of_one_loses_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("limits: { queue: 1 }\n");
    flood_begin(&f, 100);
    flood_lost_nothing(&f);
    assert_int_equal(tally_duplicates(f.tally), 0);
}

static void a_killed_zygote_loses_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("retry: { attempts: 100, backoff: 1ms, max_backoff: 10ms }\n");
    flood_begin(&f, 100);
    for (size_t kills = 1; kills <= 3; kills++) {
        assert_true(tally_reaches(f.tally, kills * MESSAGES / 5, ENOUGH_MS));
        zygote_signal(f.hark->process->pid, SIGKILL);
        hark_wait_line(f.hark, "^hark: warning: zygote started again");
    }
    flood_lost_nothing(&f);
    assert_int_equal(tally_duplicates(f.tally), 0);
}

static void a_broker_that_restarts_loses_nothing_of_what_it_kept(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare_with(&(struct broker_options){.keeps_sessions = true}, "");
    device_flood(f.sender, "echo/in", MESSAGES / 10, 100);
    f.began_ns = clock_now_ns();
    device_flood_join(f.sender);
    broker_stop(f.broker);
    broker_up(f.broker);
    assert_true(tally_reaches(f.tally, MESSAGES / 10, ENOUGH_MS));
}

static void everything_at_once_loses_nothing(void **unused)
{
    (void)unused;
    struct flood f = flood_prepare("instances: { max: 3 }\n"
                                   "retry: { attempts: 100, backoff: 1ms, max_backoff: 10ms }\n");
    const char *const builds[] = {path_in(TEST_PUPPETS, "echo.so"), path_in(TEST_PUPPETS, "echo-two.so")};
    const char *so = hark_file(f.hark, "echo.so");
    unsigned seed = 2;
    size_t cuts = 0, kills = 0;
    bool killed = false;
    flood_begin(&f, 50);
    for (size_t turn = 1; !tally_complete(f.tally, KILL_MS) && flood_may_go_on(&f); turn++) {
        size_t done = tally_distinct(f.tally);
        kills += worker_kill_random(f.hark->process->pid, &seed) != 0;
        if (turn % 10 == 0)
            file_copy(builds[turn / 10 % 2], so);
        if (done >= (cuts + 1) * STEP)
            cuts += proxy_cut(f.proxy) > 0;
        if (done >= MESSAGES / 2 && !killed) {
            hark_kill(f.hark);
            hark_start(f.hark);
            killed = true;
        }
    }
    print_message("%zu workers killed, %zu cuts\n", kills, cuts);
    flood_lost_nothing(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(full_speed_loses_nothing),
        system_test(four_workers_lose_nothing),
        system_test(deploys_in_place_lose_nothing),
        system_test(killed_workers_lose_nothing),
        system_test(a_connection_that_is_cut_loses_nothing),
        system_test(hark_killed_in_the_middle_loses_nothing),
        system_test(hark_stopped_in_the_middle_loses_and_repeats_nothing),
        system_test(a_queue_of_one_loses_nothing),
        system_test(a_killed_zygote_loses_nothing),
        system_test(a_broker_that_restarts_loses_nothing_of_what_it_kept),
        system_test(everything_at_once_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
