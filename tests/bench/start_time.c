/* start_time.c: what it takes to start a worker: bench_start_time STAMP.so ROUNDS prints medians, in
 * microseconds: to spawn /bin/true and see it end; from a message to READY and to the first line of the
 * handler, by its own clock, with a worker from the spare ones; and the same with a worker from nothing. They
 * take turns, so that what disturbs the machine disturbs all. */
#include "samples.h"
#include "shared/clock.h"
#include "trial.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES_MAX = 64, STARTS = 4 /* a round: more than there are spares */, REST_MS = 30 };

struct figures {
    struct samples spawn, spare_ready, spare, cold_ready, cold;
};

static uint64_t spawn_true_ns(void)
{
    static char path[] = "/bin/true";
    char *argv[] = {path, NULL};
    pid_t pid;
    uint64_t start_ns = clock_now_ns();
    if (posix_spawn(&pid, path, NULL, NULL, argv, environ) != 0 || waitpid(pid, NULL, 0) != pid)
        die("cannot run /bin/true");
    return clock_now_ns() - start_ns;
}

static bool is_among(const int *pids, size_t count, int pid)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static void note(struct figures *f, const struct trial *t, bool was_spare)
{
    struct timespec entered;
    if (t->answer_len != sizeof entered)
        die("the function is not stamp.c");
    memcpy(&entered, t->answer, sizeof entered);
    uint64_t entered_ns = (uint64_t)entered.tv_sec * NS_PER_S + (uint64_t)entered.tv_nsec;
    samples_add(was_spare ? &f->spare_ready : &f->cold_ready, t->ready_ns - t->begun_ns);
    samples_add(was_spare ? &f->spare : &f->cold, entered_ns - t->begun_ns);
}

static void one_round(struct figures *f)
{
    struct trial trials[STARTS];
    int before[PROCESSES_MAX];
    for (int i = 0; i < STARTS; i++) {
        samples_add(&f->spawn, spawn_true_ns());
        size_t count = trials_processes(before, PROCESSES_MAX);
        trial_start(&trials[i]);
        note(f, &trials[i], is_among(before, count, worker_pid(trials[i].worker)));
    }
    for (int i = 0; i < STARTS; i++)
        trial_stop(&trials[i]);
    trials_rest(REST_MS);
}

static void print(struct samples *s)
{
    if (s->count == 0)
        die("too few rounds");
    printf("%.1f\n", samples_percentile_us(s, 50));
    samples_finish(s);
}

int main(int argc, char **argv)
{
    struct figures f = {0};
    unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (rounds == 0) {
        fprintf(stderr, "usage: bench_start_time STAMP.so ROUNDS\n");
        return 64;
    }
    trials_open(argv[1], 0);
    for (unsigned long i = 0; i < rounds; i++)
        one_round(&f);
    trials_close();
    print(&f.spawn);
    print(&f.spare_ready);
    print(&f.spare);
    print(&f.cold_ready);
    print(&f.cold);
    return EXIT_SUCCESS;
}
