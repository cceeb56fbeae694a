#include "trial.h"

#include "cli/host.h"
#include "cli/load.h"
#include "cli/options.h"
#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct host host;
static struct revision *revision;

void die(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(EXIT_FAILURE);
}

static void on_ready(void *user, struct worker *w)
{
    struct trial *t = user;
    (void)w;
    t->ready_ns = clock_now_ns();
}

/* As for a message that finds no worker. */
static void call(struct trial *t)
{
    const struct wire_invoke invoke = {
        .timeout_ns = revision->manifest->timeout_ns,
        .attempt = 1,
        .message = {.topic = slice_of("in"), .payload = slice_of("x"), .response_topic = slice_of("out")}};
    worker_invoke(t->worker, &t->call, &invoke, clock_now_ns());
}

static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    struct trial *t = user;
    struct slice payload;
    (void)w, (void)call, (void)diag;
    if (header->type != WIRE_REPLY || wire_get_reply(body, &payload) < 0 || payload.len > sizeof t->answer)
        die("the function is none of the benchmark's");
    memcpy(t->answer, payload.data, payload.len);
    t->answer_len = payload.len;
    return 0;
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    struct trial *t = user;
    (void)w, (void)call;
    if (result != WIRE_RESULT_OK)
        die("the function did not succeed");
    t->is_answered = true;
}

static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    (void)user;
    load_log(w, level, text);
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct trial *t = user;
    (void)w;
    if (end->cause != WORKER_STOPPED)
        die(end->text);
    t->worker = NULL;
}

static const struct worker_events events = {
    .ready = on_ready, .output = on_output, .result = on_result, .log = on_log, .ended = on_ended};

void trials_open(const char *function, uint32_t waived)
{
    struct options options = {.insecure = waived};
    struct diags diags = {0};
    if (load_revision(function, NULL, &revision, &diags) < 0)
        die(diags.count ? diags.items[0].text : "the function cannot be loaded");
    if (host_init(&host, &options) != 0 || host_needs_workers(&host) != 0)
        die("no workers");
    worker_io_keep_spares(host.io);
}

void trials_close(void)
{
    host_finish(&host);
    revision_drop(revision);
}

void trial_start(struct trial *t)
{
    struct diag diag = {0};
    *t = (struct trial){.begun_ns = clock_now_ns()};
    t->worker = worker_start(host.io, revision, &events, t, &diag);
    if (!t->worker)
        die(diag.text);
    call(t);
    while (!t->is_answered)
        uv_run(&host.loop, UV_RUN_ONCE);
}

void trial_stop(struct trial *t)
{
    worker_stop(t->worker);
    while (t->worker)
        uv_run(&host.loop, UV_RUN_ONCE);
}

static void on_rested(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

void trials_rest(uint64_t ms)
{
    bool rested = false;
    uv_timer_t timer = {.data = &rested};
    uv_timer_init(&host.loop, &timer);
    uv_update_time(&host.loop);
    uv_timer_start(&timer, on_rested, ms, 0);
    while (!rested)
        uv_run(&host.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&host.loop, UV_RUN_NOWAIT);
}

size_t trials_processes(int *pids, size_t room)
{
    char path[64];
    size_t count = 0;
    int pid = zygote_pid(host.zygote);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *children = fopen(path, "re");
    if (!children)
        die("no /proc/PID/task/TID/children, proc(5)");
    while (count < room && fscanf(children, "%d", &pids[count]) == 1)
        count++;
    fclose(children);
    return count;
}
