#include "worker/worker.h"

#include "shared/diag.h"
#include "shared/wire.h"
#include "worker/filter_internal.h"
#include "worker/seal.h"
#include "worker/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* A worker's descriptors, beside 0 (/dev/null) and 1, 2 (the log pipe). The last three are closed again as
 * soon as they are used. */
enum { CHANNEL_FD = FILTER_CHANNEL, HANDLER_FD, RECORDER_FD, PROC_FD, FD_COUNT };

static void die_with_parent(pid_t parent)
{
    /* The zygote may have died before the prctl: then we have another parent already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(EX_OSERR);
}

/* Ignored: what a terminal or a service manager sends to a whole group, so that hark can drain us in order;
 * SIGPIPE: a log pipe that nobody reads is no reason to die. All else as in a fresh process. */
static void reset_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &(struct sigaction){.sa_handler = SIG_DFL}, NULL); /* fails for SIGKILL */
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        (void)sigaction(ignored[i], &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In two steps, by way of high numbers: a descriptor's place may be taken by another of them. */
static int lay_out_fds(const struct worker_birth *b)
{
    const struct {
        int from, to;
    } moves[] = {{b->log, STDOUT_FILENO},  {b->log, STDERR_FILENO},    {b->channel, CHANNEL_FD},
                 {b->handler, HANDLER_FD}, {b->recorder, RECORDER_FD}, {b->proc, PROC_FD}};
    enum { COUNT = sizeof moves / sizeof *moves, HIGH = 64 };
    int high[COUNT];
    for (int i = 0; i < COUNT; i++)
        if ((high[i] = fcntl(moves[i].from, F_DUPFD, HIGH)) < 0)
            return -errno;
    for (int i = 0; i < COUNT; i++)
        if (dup2(high[i], moves[i].to) < 0)
            return -errno;
    return close_range(FD_COUNT, ~0u, 0) < 0 ? -errno : 0;
}

/* NULL when the memfd is not what it should be. */
static struct wire_recorder *map_recorder(void)
{
    struct stat st;
    if (fstat(RECORDER_FD, &st) < 0 || (size_t)st.st_size < sizeof(struct wire_recorder))
        return NULL;
    void *page = mmap(NULL, sizeof(struct wire_recorder), PROT_READ | PROT_WRITE, MAP_SHARED, RECORDER_FD, 0);
    close(RECORDER_FD);
    return page == MAP_FAILED ? NULL : page;
}

/* What printf() leaves in its buffer is lost in a crash; whole lines must not be. */
static void write_lines_at_once(void)
{
    static char line[1024];
    setvbuf(stdout, line, _IOLBF, sizeof line);
}

/* For the loader: once sealed, a worker has neither a path to the .so nor a descriptor of any folder. */
static int go_to_proc(void)
{
    int error = fchdir(PROC_FD) < 0 ? -errno : 0;
    close(PROC_FD);
    return error;
}

_Noreturn void worker_main(const struct worker_birth *birth)
{
    die_with_parent(birth->parent);
    reset_signals();
    if (lay_out_fds(birth) < 0 || go_to_proc() < 0)
        _exit(EX_OSERR);
    write_lines_at_once();
    struct server *server = serve_open(CHANNEL_FD, map_recorder());
    struct diag why;
    if (seal_apply(birth->layers, &birth->limits, &why) < 0)
        serve_fail(server, &why);
    serve_run(server, HANDLER_FD); /* loads the function: from here on its code runs */
}
