#include "cli/host.h"

#include "cli/complain.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

/* A function needs a handful of fds: the usual soft limit of 1,024 would end at some hundred functions. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("the limit of open files stays low: %s", strerror(errno));
}

int host_init(struct host *h)
{
    struct diag diag = {0};
    *h = (struct host){0};
    int error = uv_loop_init(&h->loop);
    if (error < 0) {
        log_error("no event loop: %s", uv_strerror(error));
        return EX_SOFTWARE;
    }
    char *program = zygote_program();
    if (program)
        h->zygote = zygote_create(&h->loop, program, &diag);
    else
        diag_set(&diag, NULL, 0, 0, "out of memory");
    free(program);
    raise_file_limit();
    if (h->zygote)
        return 0;
    complain(&diag);
    host_finish(h);
    return EX_SOFTWARE;
}

int host_needs_workers(struct host *h)
{
    h->io = worker_io_create(&h->loop, h->zygote);
    if (h->io)
        return 0;
    log_error("out of memory");
    return EX_SOFTWARE;
}

static void on_workers_gone(void *user)
{
    struct host *h = user;
    if (h->zygote)
        zygote_close(h->zygote);
}

void host_finish(struct host *h)
{
    if (h->io)
        worker_io_close(h->io, on_workers_gone, h);
    else
        on_workers_gone(h);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&h->loop) == 0);
}
