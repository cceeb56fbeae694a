#include "dispatcher/stage.h"

#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    uv_work_t work;
    uv_loop_t *loop;
    const struct stage_events *events;
    void *user;
    char *manifest_path, *functions;
    struct revision *revision;
    struct revision_names names;
    struct diags diags;
    int error;
    struct worker *probe;
    bool loading, closed;
};

static void destroy(struct stage *stage)
{
    revision_drop(stage->revision);
    revision_names_finish(&stage->names);
    diags_finish(&stage->diags);
    free(stage->manifest_path);
    free(stage->functions);
    free(stage);
}

static void on_work(uv_work_t *work)
{
    struct stage *stage = work->data;
    stage->error = revision_load_named(stage->manifest_path, stage->functions, &stage->revision,
                                       &stage->names, &stage->diags);
}

static void on_loaded(uv_work_t *work, int status)
{
    struct stage *stage = work->data;
    stage->loading = false;
    if (status == UV_ECANCELED || stage->closed)
        destroy(stage);
    else
        stage->events->loaded(stage->user, stage, stage->error, &stage->diags);
}

struct stage *stage_create(uv_loop_t *loop, const char *manifest_path, const char *functions,
                           const struct stage_events *events, void *user)
{
    struct stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        return NULL;
    stage->loop = loop;
    stage->events = events;
    stage->user = user;
    stage->manifest_path = strdup(manifest_path);
    stage->functions = functions ? strdup(functions) : NULL;
    stage->work.data = stage;
    stage->loading = true;
    if (!stage->manifest_path || uv_queue_work(loop, &stage->work, on_work, on_loaded)) {
        destroy(stage);
        return NULL;
    }
    return stage;
}

struct revision *stage_revision(const struct stage *stage)
{
    return stage->revision;
}

const struct revision_names *stage_names(const struct stage *stage)
{
    return &stage->names;
}

char **stage_take_config_files(struct stage *stage)
{
    char **files = stage->names.config_files;
    stage->names.config_files = NULL;
    return files;
}

/* ---- a worker with no function behind it ---- */

static void ignore_ready(void *user, struct worker *w)
{
    (void)user, (void)w;
}

static int refuse_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                         struct slice body, struct diag *diag)
{
    (void)user, (void)w, (void)call, (void)header, (void)body;
    diag_set(diag, NULL, 0, 0, "it published while nothing was asked of it");
    return -EPERM;
}

static void ignore_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    (void)user, (void)w, (void)call, (void)result;
}

static void log_probe(void *user, struct worker *w, int level, struct slice text)
{
    (void)user;
    log_line((enum log_level)(level < LOG_DEBUG   ? LOG_DEBUG
                              : level > LOG_ERROR ? LOG_ERROR
                                                  : level),
             "function=%s worker=%u %.*s", worker_revision(w)->manifest->function, worker_id(w),
             SLICE_ARG(text));
}

/* The revision must outlive the worker: its own reference comes with it. */
static void on_discarded(void *user, struct worker *w, struct worker_end *end)
{
    (void)w, (void)end;
    revision_drop(user);
}

void stage_discard_worker(struct worker *worker)
{
    static const struct worker_events events = {.ready = ignore_ready,
                                                .output = refuse_output,
                                                .result = ignore_result,
                                                .log = log_probe,
                                                .ended = on_discarded};
    struct revision *revision = (struct revision *)(uintptr_t)worker_revision(worker);
    revision_hold(revision);
    worker_set_user(worker, &events, revision);
    worker_stop(worker);
}

/* ---- the probe ---- */

static void on_ready(void *user, struct worker *w)
{
    struct stage *stage = user;
    stage->probe = NULL;
    stage->events->probed(stage->user, stage, w, 0, NULL);
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct stage *stage = user;
    (void)w;
    bool innocent = end->cause == WORKER_LOST || end->cause == WORKER_NO_FORK;
    stage->probe = NULL;
    stage->events->probed(stage->user, stage, NULL, innocent ? -EAGAIN : -ENOEXEC, end->text);
}

void stage_probe(struct stage *stage, struct worker_io *io)
{
    static const struct worker_events events = {.ready = on_ready,
                                                .output = refuse_output,
                                                .result = ignore_result,
                                                .log = log_probe,
                                                .ended = on_ended};
    struct diag diag;
    stage->probe = worker_start(io, stage->revision, &events, stage, &diag);
    if (!stage->probe)
        stage->events->probed(stage->user, stage, NULL, -EAGAIN, diag.text);
}

void stage_close(struct stage *stage)
{
    stage->closed = true;
    if (stage->loading) {
        uv_cancel((uv_req_t *)&stage->work); /* on_loaded comes in any case */
        return;
    }
    if (stage->probe) {
        stage_discard_worker(stage->probe);
        stage->probe = NULL;
    }
    destroy(stage);
}
