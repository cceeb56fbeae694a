/* place_test.c: which cores a worker may use: the dispatcher's in a conversation, all else. */
#include "support/cleanup.h"
#include "support/stage.h"
#include "support/test.h"
#include "support/worker_pids.h"

#include "shared/clock.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { PIDS_MAX = 16 };

static int cores_of(pid_t pid)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    assert_int_equal(sched_getaffinity(pid, sizeof cpus, &cpus), 0);
    return CPU_COUNT(&cpus);
}

static bool is_called(pid_t pid, const char *expected)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *comm = fopen(path, "re");
    if (comm && !fgets(name, sizeof name, comm))
        name[0] = '\0';
    if (comm)
        fclose(comm);
    return strcmp(name, expected) == 0;
}

static pid_t puppet(const struct stage *s)
{
    pid_t pids[PIDS_MAX];
    size_t count = worker_pids(s->hark->process->pid, pids, PIDS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (is_called(pids[i], "hark:puppet\n"))
            return pids[i];
    }
    fail_msg("the puppet has no worker");
    return 0;
}

/* One message at a time, until its worker is kept to one core. */
static struct stage given_a_conversation(void)
{
    if (cores_of(0) == 1) {
        print_message("there is one core: nothing to choose from\n");
        skip();
    }
    struct stage s = stage_set();
    stage_puppet(&s, "");
    uint64_t until_ns = clock_now_ns() + GUARD_MS * NS_PER_MS;
    do {
        assert_true(clock_now_ns() < until_ns);
        stage_tell(&s, "say out/heard yes");
        stage_expect(&s, "out/heard", "yes");
    } while (cores_of(puppet(&s)) > 1);
    return s;
}

static void a_call_that_lasts_may_use_any_core(void **unused)
{
    (void)unused;
    struct stage s = given_a_conversation();
    pid_t worker = puppet(&s);
    stage_tell(&s, "work 4000; say out/done yes");
    while (cores_of(worker) != cores_of(0))
        assert_int_equal(device_count(s.phone, "out/done"), 0);
    stage_expect(&s, "out/done", "yes");
}

static void calls_that_gather_may_use_any_core(void **unused)
{
    enum { BATCH = 50 };
    (void)unused;
    struct stage s = given_a_conversation();
    uint64_t until_ns = clock_now_ns() + GUARD_MS * NS_PER_MS;
    while (cores_of(puppet(&s)) != cores_of(0)) {
        assert_true(clock_now_ns() < until_ns);
        for (int i = 0; i < BATCH; i++)
            stage_tell(&s, "say out/heard yes");
        for (int i = 0; i < BATCH; i++)
            stage_expect(&s, "out/heard", "yes");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_call_that_lasts_may_use_any_core),
        system_test(calls_that_gather_may_use_any_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
