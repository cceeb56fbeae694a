#include "worker/worker.h"

#include "shared/diag.h"
#include "shared/wire.h"
#include "worker/filter_internal.h"
#include "worker/granted.h"
#include "worker/loader.h"
#include "worker/recorder.h"
#include "worker/seal.h"
#include "worker/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

/* A worker's descriptors, beside 0 (/dev/null) and 1, 2 (the log pipe). The .so comes by the channel, and is
 * closed as soon as it is loaded; until the worker has practised, its number is the sample's. */
enum {
    CHANNEL_FD = FILTER_CHANNEL,
    SAMPLE_FD,
    RULESET_FD,
    HANDLER_FD = SEAL_LOW_FD + 1 /* if it comes early: out of the seal's way */
};

static void die_with_parent(pid_t parent)
{
    /* The zygote may have died before the prctl: then we have another parent already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(EX_OSERR);
}

/* The zygote blocks what it reads from a descriptor. */
static void unblock_signals(void)
{
    static const sigset_t none; /* without sigemptyset(3), which would be a page fault */
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Where a root of its own can be had, it has what is granted and nothing else; else landlock keeps to it. */
static int bring_in_granted(const struct worker_birth *b, struct diag *why)
{
    const char *key, *refusal = grants_refusal(b->grants, b->layers, &key);
    if (refusal) {
        diag_set(why, NULL, 0, 0, "%s: %s; see `hark doctor`", key, refusal);
        return -EPERM;
    }
    if (b->grants->path_count == 0)
        return 0;
    if (grants_have(b->grants, GRANT_WRITE)) /* a file at its limit is an error, EFBIG, and no death */
        (void)sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return grants_are_mounted(b->layers) ? granted_root_build(b->grants, b->views, why)
                                         : granted_check(b->grants, b->proc, why);
}

/* The working folder is for the loader: once sealed, a worker has neither a path to the .so nor a descriptor
 * of any folder. The zygote is there already; who has built a root of its own has left. */
static int return_to_proc(const struct worker_birth *b)
{
    return b->grants->path_count ? fchdir(b->proc) : 0;
}

/* Of the zygote's descriptors only those stay that are this worker's. What comes last is above SAMPLE_FD. */
static int keep_only(const struct worker_birth *b)
{
    if (return_to_proc(b) < 0 || dup2(b->fds[ZYGOTE_FD_LOG], STDOUT_FILENO) < 0 ||
        dup2(b->fds[ZYGOTE_FD_LOG], STDERR_FILENO) < 0 || dup2(b->fds[ZYGOTE_FD_CHANNEL], CHANNEL_FD) < 0 ||
        (b->sample >= 0 && dup2(b->sample, SAMPLE_FD) < 0) ||
        (b->ruleset >= 0 && dup2(b->ruleset, RULESET_FD) < 0) ||
        close_range(b->ruleset >= 0 ? RULESET_FD + 1 : SAMPLE_FD + 1, ~0u, 0) < 0)
        return -errno;
    return 0;
}

/* What printf() leaves in its buffer is lost in a crash; whole lines must not be. */
static void write_lines_at_once(void)
{
    static char line[1024];
    setvbuf(stdout, line, _IOLBF, sizeof line);
}

struct server *worker_prepare(void)
{
    write_lines_at_once();
    return serve_open(CHANNEL_FD);
}

/* FILTER_UNIX takes no descriptors. Who has such a grant is no spare: the function has been sent already. */
static int await_before_seal(const struct worker_birth *b)
{
    int handler = serve_await(b->server);
    int moved = fcntl(handler, F_DUPFD_CLOEXEC, HANDLER_FD);
    if (moved < 0)
        _exit(EX_OSERR);
    close(handler);
    return moved;
}

static void practise(struct server *server, struct wire_recorder *recorder)
{
    loader_warm_up(SAMPLE_FD);
    serve_warm_up(server);
    if (recorder)
        atomic_store(&recorder->call, 0);
}

_Noreturn void worker_main(const struct worker_birth *birth)
{
    struct diag why;
    die_with_parent(birth->parent);
    unblock_signals();
    /* It is as large as hark says: the zygote believes what it is ordered. */
    struct wire_recorder *recorder = recorder_map(birth->fds[ZYGOTE_FD_RECORDER]);
    int error = bring_in_granted(birth, &why);
    if (keep_only(birth) < 0)
        _exit(EX_OSERR);
    int handler = grants_have(birth->grants, GRANT_UNIX) ? await_before_seal(birth) : -1;
    const struct seal_terms terms = {&birth->limits, birth->grants, birth->ruleset >= 0 ? RULESET_FD : -1};
    if (!error)
        error = seal_apply(birth->layers, &terms, &why);
    if (error == 0 && birth->is_spare)
        practise(birth->server, recorder);
    close(SAMPLE_FD);
    if (birth->ruleset >= 0)
        close(RULESET_FD);
    if (handler < 0)
        handler = serve_await(birth->server); /* this is where a spare worker waits */
    if (error < 0)
        serve_fail(birth->server, &why);
    serve_run(birth->server, handler, recorder); /* loads the function: from here on its code runs */
}
