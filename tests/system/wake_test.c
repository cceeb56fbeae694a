/* wake_test.c: a worker is woken for what there is to do, and for nothing else. */
#include "zygote_harness.h"

#include "../support/test.h"

#include <poll.h>
#include <stdio.h>

static void await_sleep(pid_t pid)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    while (state != 'S') {
        FILE *stat = fopen(path, "re");
        assert_non_null(stat);
        assert_int_equal(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
        fclose(stat);
    }
}

static unsigned times_slept(pid_t pid)
{
    char path[64], line[128];
    unsigned times = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) && sscanf(line, "voluntary_ctxt_switches: %u", &times) != 1) {
    }
    fclose(status);
    return times;
}

static void a_worker_sleeps_on_when_what_it_sent_is_read(void **unused)
{
    enum { CALLS = 50 };
    (void)unused;
    struct worker w = worker_start("relay");
    unsigned before = times_slept(w.pid);
    for (uint64_t call = 1; call <= CALLS; call++) {
        struct pollfd answer = {.fd = w.channel, .events = POLLIN};
        worker_invoke(&w, call, "in", "x");
        assert_int_equal(poll(&answer, 1, GUARD_MS), 1);
        await_sleep(w.pid);
        worker_expect_publish(&w, call, "out/in", "x");
        worker_expect_result(&w, call, WIRE_RESULT_OK);
        await_sleep(w.pid);
    }
    assert_in_range(times_slept(w.pid) - before, CALLS, CALLS * 3 / 2);
    worker_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ZYGOTE(a_worker_sleeps_on_when_what_it_sent_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
