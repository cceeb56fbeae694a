#include "worker/worker.h"

#include "shared/diag.h"
#include "shared/wire.h"
#include "worker/descriptors.h"
#include "worker/filter_internal.h"
#include "worker/loader.h"
#include "worker/seal.h"
#include "worker/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* A worker's descriptors, beside 0 (/dev/null) and 1, 2 (the log pipe). Those that are handed to it come in
 * at the numbers behind the channel, which was the socket they came by, and are closed as soon as they are
 * used. */
enum { CHANNEL_FD = FILTER_CHANNEL, FIRST_FREE_FD, HANDLER_FD = FIRST_FREE_FD + (int)ZYGOTE_FD_HANDLER };

_Static_assert((int)FIRST_FREE_FD + (int)ZYGOTE_FD_RECORDER == (int)FILTER_RECORDER,
               "the filter lets it be mapped");

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

/* Of the zygote's descriptors only the socket stays; there is no log yet. The working folder is for the
 * loader: once sealed, a worker has neither a path to the .so nor a descriptor of any folder. */
static int keep_only(const struct worker_birth *b)
{
    if (fchdir(b->proc) < 0 || dup2(b->handoff, CHANNEL_FD) < 0 || dup2(STDIN_FILENO, STDOUT_FILENO) < 0 ||
        dup2(STDIN_FILENO, STDERR_FILENO) < 0 || close_range(FIRST_FREE_FD, ~0u, 0) < 0)
        return -errno;
    return 0;
}

/* NULL when the memfd is not what it should be. */
static struct wire_recorder *map_recorder(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(struct wire_recorder))
        return NULL;
    void *page = mmap(NULL, sizeof(struct wire_recorder), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? NULL : page;
}

/* All but the handler's, which keeps its number. */
static void put_in_place(int fds[ZYGOTE_FD_COUNT])
{
    if (dup2(fds[ZYGOTE_FD_LOG], STDOUT_FILENO) < 0 || dup2(fds[ZYGOTE_FD_LOG], STDERR_FILENO) < 0 ||
        dup2(fds[ZYGOTE_FD_CHANNEL], CHANNEL_FD) < 0)
        _exit(EX_OSERR);
    close(fds[ZYGOTE_FD_CHANNEL]);
    close(fds[ZYGOTE_FD_RECORDER]);
    close(fds[ZYGOTE_FD_LOG]);
}

static bool is_awaited(void)
{
    struct pollfd handoff = {.fd = CHANNEL_FD, .events = POLLIN};
    return poll(&handoff, 1, 0) > 0;
}

/* May take long: this is where a spare worker waits. */
static struct wire_recorder *await_descriptors(void)
{
    int fds[DESCRIPTORS_MAX];
    _Static_assert((int)DESCRIPTORS_MAX == (int)ZYGOTE_FD_COUNT, "all come at once");
    int got = descriptors_receive(CHANNEL_FD, fds);
    if (got == -ECHILD)
        _exit(EXIT_SUCCESS);
    if (got != ZYGOTE_FD_COUNT || fds[0] != FIRST_FREE_FD)
        _exit(EX_OSERR);
    struct wire_recorder *recorder = map_recorder(fds[ZYGOTE_FD_RECORDER]);
    put_in_place(fds);
    return recorder;
}

/* What printf() leaves in its buffer is lost in a crash; whole lines must not be. */
static void write_lines_at_once(void)
{
    static char line[1024];
    setvbuf(stdout, line, _IOLBF, sizeof line);
}

_Noreturn void worker_main(const struct worker_birth *birth)
{
    die_with_parent(birth->parent);
    reset_signals();
    if (keep_only(birth) < 0)
        _exit(EX_OSERR);
    write_lines_at_once();
    struct server *server = serve_open(CHANNEL_FD);
    struct diag why;
    int error = seal_apply(birth->layers, &birth->limits, &why);
    if (!is_awaited())
        loader_warm_up();
    struct wire_recorder *recorder = await_descriptors();
    if (error < 0)
        serve_fail(server, &why);
    serve_run(server, HANDLER_FD, recorder); /* loads the function: from here on its code runs */
}
