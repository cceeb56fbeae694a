#include "cli/host.h"

#include "cli/complain.h"
#include "dispatcher/seal_policy.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

enum { FILES_MIN = 64 };

/* A function needs a handful of fds: the usual soft limit of 1,024 would end at some hundred functions. */
static void raise_file_limit(struct rlimit *limit)
{
    const struct rlimit raised = {limit->rlim_max, limit->rlim_max};
    if (limit->rlim_cur == limit->rlim_max)
        return;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        *limit = raised;
    else
        log_warn("the limit of open files stays low: %s", strerror(errno));
}

/* With fewer than FILES_MIN not even the worker that hark makes to look at its seal can be born, and what
 * fails then would name anything but the reason. */
static int allow_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    raise_file_limit(&limit);
    if (limit.rlim_cur >= FILES_MIN)
        return 0;
    log_error("only %llu open files are allowed, and at least %d are needed: raise the limit (ulimit -Hn, "
              "LimitNOFILE= of a service)",
              (unsigned long long)limit.rlim_cur, FILES_MIN);
    return EX_SOFTWARE;
}

static int create_zygote(struct host *h, const struct options *o, struct diag *diag)
{
    char *program = zygote_program();
    if (!program) {
        diag_set(diag, NULL, 0, 0, "out of memory");
        return EX_SOFTWARE;
    }
    const struct zygote_options options = {.program = program,
                                           .changes_user = h->run_as.changes,
                                           .uid = h->run_as.uid,
                                           .gid = h->run_as.gid,
                                           .waived = o->insecure,
                                           .in_cgroup = cgroups_zygote_procs(h->cgroups) >= 0,
                                           .cgroup_procs = cgroups_zygote_procs(h->cgroups)};
    h->zygote = zygote_create(&h->loop, &options, diag);
    free(program);
    return h->zygote ? 0 : EX_SOFTWARE;
}

static void open_cgroups(struct host *h)
{
    const struct cgroup_user user = {h->run_as.uid, h->run_as.gid};
    h->cgroups = cgroups_open(&h->loop, h->run_as.changes ? &user : NULL);
}

/* Nothing else is on the loop yet. */
static int await_layers(struct host *h, struct diag *diag)
{
    while (!zygote_layers(h->zygote) && !zygote_has_given_up(h->zygote))
        uv_run(&h->loop, UV_RUN_ONCE);
    if (zygote_layers(h->zygote))
        return 0;
    diag_set(
        diag, NULL, 0, 0,
        "the zygote died before it knew its seal, for the third time; nothing can run: its own words are "
        "above, if it had any");
    return EX_SOFTWARE;
}

int host_open(struct host *h, const struct options *o)
{
    struct diag diag = {0};
    *h = (struct host){0};
    int code = allow_files();
    if (code != 0)
        return code;
    int error = uv_loop_init(&h->loop);
    if (error < 0) {
        log_error("no event loop: %s", uv_strerror(error));
        return EX_SOFTWARE;
    }
    code = run_as_resolve(o, &h->run_as, &diag);
    if (code == 0) {
        open_cgroups(h);
        code = create_zygote(h, o, &diag);
    }
    if (code == 0)
        code = await_layers(h, &diag);
    if (code == 0)
        return 0;
    complain(&diag);
    host_finish(h);
    return code;
}

int host_init_unsealed(struct host *h)
{
    *h = (struct host){0};
    int error = uv_loop_init(&h->loop);
    if (error < 0) {
        log_error("no event loop: %s", uv_strerror(error));
        return EX_SOFTWARE;
    }
    return 0;
}

static int judge(const struct zygote_layers *z)
{
    char line[SEAL_LINE_MAX];
    for (int i = 0; i < LAYER_COUNT; i++) {
        enum layer layer = (enum layer)i;
        if (seal_layer_is_fatal(z, layer))
            log_error("functions are not run: %s; --insecure=%s runs them without it",
                      seal_describe(z, layer, line), layer_name(layer));
        else if (z->layers[i].status != LAYER_ENFORCED)
            log_warn("%s", seal_describe(z, layer, line));
    }
    return seal_holds(z) ? 0 : EX_NOPERM;
}

int host_init(struct host *h, const struct options *o)
{
    int code = host_open(h, o);
    if (code != 0)
        return code;
    code = judge(zygote_layers(h->zygote));
    if (code != 0)
        host_finish(h);
    return code;
}

int host_needs_workers(struct host *h)
{
    h->io = worker_io_create(&h->loop, h->zygote);
    if (h->io) {
        worker_io_use_cgroups(h->io, h->cgroups);
        return 0;
    }
    log_error("out of memory");
    return EX_SOFTWARE;
}

static void on_workers_gone(void *user)
{
    struct host *h = user;
    if (h->zygote)
        zygote_close(h->zygote);
    if (h->cgroups)
        cgroups_stop(h->cgroups);
}

void host_finish(struct host *h)
{
    if (h->io)
        worker_io_close(h->io, on_workers_gone, h);
    else
        on_workers_gone(h);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&h->loop) == 0);
    if (h->cgroups)
        cgroups_close(h->cgroups);
}
