#include "cli/probe.h"

#include "cli/load.h"

#include <errno.h>

struct probe_run {
    bool over;
    struct worker_end end; /* without `left` */
};

static void on_ready(void *user, struct worker *w)
{
    (void)user;
    worker_stop(w);
}

/* No call is ever sent, so a frame about one breaks the protocol before it comes here. */
static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    (void)user, (void)w, (void)call, (void)header, (void)body;
    diag_set(diag, NULL, 0, 0, "it put something out without a message");
    return -EPERM;
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    (void)user, (void)w, (void)call, (void)result;
}

static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    (void)user;
    load_log(w, level, text);
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct probe_run *p = user;
    (void)w;
    p->end = *end;
    p->over = true;
}

static const struct worker_events events = {
    .ready = on_ready, .output = on_output, .result = on_result, .log = on_log, .ended = on_ended};

enum probe_verdict probe(struct host *h, const struct revision *r, struct diag *diag)
{
    struct probe_run p = {0};
    if (!worker_start(h->io, r, &events, &p, diag))
        return PROBE_IMPOSSIBLE;
    while (!p.over)
        uv_run(&h->loop, UV_RUN_ONCE);
    if (p.end.was_ready)
        return PROBE_READY;
    diag_set(diag, NULL, 0, 0, "%s", p.end.text);
    return p.end.cause == WORKER_NO_FORK || p.end.cause == WORKER_LOST ? PROBE_IMPOSSIBLE : PROBE_REFUSED;
}
