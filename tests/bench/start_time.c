/* start_time.c: what it takes to start a worker: bench_start_time FUNCTION.so ROUNDS prints medians, in
 * microseconds, each a line of NAME VALUE.
 *
 * It is the dispatcher's own code that runs here, with a real zygote and real sealed workers; only the
 * message does not come from a broker. A start begins when the message is there and no worker is, and ends
 * when the function's handler is entered, by the function's own clock. Rounds take turns: a process of
 * /bin/true, a worker from the pool of those that are sealed already, a worker from nothing. */
#include "cli/host.h"
#include "cli/load.h"
#include "cli/options.h"
#include "samples.h"
#include "shared/clock.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX = 64, STARTS = 4 /* a round: more than there are spares */, REST_MS = 40 };

struct start {
    const struct revision *revision;
    struct call call;
    uint64_t begun_ns, ready_ns, entered_ns;
    int pid;
    bool answered, over;
};

static struct host host;

static void die(const char *why)
{
    fprintf(stderr, "start_time: %s\n", why);
    exit(EXIT_FAILURE);
}

static void on_ready(void *user, struct worker *w)
{
    struct start *s = user;
    const struct wire_invoke invoke = {
        .timeout_ns = s->revision->manifest->timeout_ns,
        .attempt = 1,
        .message = {.topic = slice_of("in"), .payload = slice_of("x"), .response_topic = slice_of("out")}};
    s->ready_ns = clock_now_ns();
    worker_invoke(w, &s->call, &invoke);
}

static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    struct start *s = user;
    struct slice payload;
    struct timespec entered;
    (void)w, (void)call, (void)diag;
    if (header->type != WIRE_REPLY || wire_get_reply(body, &payload) < 0 || payload.len != sizeof entered)
        die("the function is not stamp.c");
    memcpy(&entered, payload.data, sizeof entered);
    s->entered_ns = (uint64_t)entered.tv_sec * NS_PER_S + (uint64_t)entered.tv_nsec;
    return 0;
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    struct start *s = user;
    (void)call, (void)result;
    s->pid = worker_pid(w);
    s->answered = true;
}

static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    (void)user;
    load_log(w, level, text);
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct start *s = user;
    (void)w;
    if (!s->answered)
        die(end->text);
    s->over = true;
}

static const struct worker_events events = {
    .ready = on_ready, .output = on_output, .result = on_result, .log = on_log, .ended = on_ended};

static struct worker *start(struct start *s, const struct revision *r)
{
    struct diag diag = {0};
    *s = (struct start){.revision = r, .begun_ns = clock_now_ns()};
    struct worker *w = worker_start(host.io, r, &events, s, &diag);
    if (!w)
        die(diag.text);
    while (!s->answered)
        uv_run(&host.loop, UV_RUN_ONCE);
    return w;
}

static int read_children(int pids[CHILDREN_MAX])
{
    char path[64];
    int count = 0, pid = zygote_pid(host.zygote);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *children = fopen(path, "re");
    while (children && count < CHILDREN_MAX && fscanf(children, "%d", &pids[count]) == 1)
        count++;
    if (children)
        fclose(children);
    return count;
}

static bool is_among(const int *pids, int count, int pid)
{
    for (int i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

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

struct figures {
    struct samples spawn, pool_ready, pool, cold_ready, cold;
};

static void note(struct figures *f, const struct start *s, bool was_spare)
{
    samples_add(was_spare ? &f->pool_ready : &f->cold_ready, s->ready_ns - s->begun_ns);
    samples_add(was_spare ? &f->pool : &f->cold, s->entered_ns - s->begun_ns);
}

static void on_rested(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

/* Spares are made while nothing else is to be done. */
static void rest(void)
{
    uv_timer_t timer;
    uv_timer_init(&host.loop, &timer);
    uv_timer_start(&timer, on_rested, REST_MS, 0);
    while (uv_loop_alive(&host.loop) && !uv_is_closing((uv_handle_t *)&timer))
        uv_run(&host.loop, UV_RUN_ONCE);
    uv_run(&host.loop, UV_RUN_NOWAIT);
}

static void one_round(struct figures *f, const struct revision *r)
{
    struct start starts[STARTS];
    struct worker *workers[STARTS];
    int before[CHILDREN_MAX];
    for (int i = 0; i < STARTS; i++) {
        samples_add(&f->spawn, spawn_true_ns());
        int count = read_children(before);
        workers[i] = start(&starts[i], r);
        note(f, &starts[i], is_among(before, count, starts[i].pid));
    }
    for (int i = 0; i < STARTS; i++)
        worker_stop(workers[i]);
    for (int i = 0; i < STARTS; i++)
        while (!starts[i].over)
            uv_run(&host.loop, UV_RUN_ONCE);
    rest();
}

static void print(const char *name, struct samples *s)
{
    printf("%s %.1f\n", name, samples_percentile_us(s, 50));
    fprintf(stderr, "%s n=%zu p10=%.1f p50=%.1f p90=%.1f\n", name, s->count, samples_percentile_us(s, 10),
            samples_percentile_us(s, 50), samples_percentile_us(s, 90));
    samples_finish(s);
}

int main(int argc, char **argv)
{
    struct figures f = {0};
    struct options options = {0};
    struct diags diags = {0};
    struct revision *r;
    unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (rounds == 0 || load_revision(argv[1], NULL, &r, &diags) < 0) {
        fprintf(stderr, "usage: bench_start_time FUNCTION ROUNDS\n");
        return 64;
    }
    if (host_init(&host, &options) != 0 || host_needs_workers(&host) != 0)
        die("no workers");
    worker_io_keep_spares(host.io);
    for (unsigned long i = 0; i < rounds; i++)
        one_round(&f, r);
    host_finish(&host);
    revision_drop(r);
    print("spawn", &f.spawn);
    print("pool-ready", &f.pool_ready);
    print("pool", &f.pool);
    print("cold-ready", &f.cold_ready);
    print("cold", &f.cold);
    return EXIT_SUCCESS;
}
