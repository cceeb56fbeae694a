#include "cli/dev_run.h"

#include "shared/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { CANNOT_EXECUTE = 127, READ_BYTES = 4096 };

/* ---- the child ---- */

__attribute__((noreturn)) static void execute(const struct dev_command *c, int words, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    umask(umask(0) | S_IWGRP | S_IWOTH);
    bool ready = setsid() > 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent &&
                 dup2(nothing, STDIN_FILENO) >= 0 && dup2(words, STDOUT_FILENO) >= 0 &&
                 dup2(words, STDERR_FILENO) >= 0 && (!c->folder || chdir(c->folder) == 0);
    if (ready)
        execvp(c->words[0], (char *const *)(uintptr_t)c->words);
    dprintf(words, "%s: cannot be executed: %s\n", c->words[0], strerror(errno));
    _exit(CANNOT_EXECUTE);
}

/* A terminal that changes nothing of what is written to it. */
static int open_terminal(int ends[2])
{
    struct termios raw = {0};
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    cfmakeraw(&raw);
    if (openpty(&ends[0], &ends[1], NULL, &raw, &size) < 0)
        return -errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

static int open_words(int ends[2])
{
    if (isatty(STDERR_FILENO) && open_terminal(ends) == 0)
        return 0;
    return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}

static int spawn(struct dev_run *r, const struct dev_command *command)
{
    int ends[2];
    int error = open_words(ends);
    if (error < 0)
        return error;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        execute(command, ends[1], parent);
    error = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (error < 0) {
        close(ends[0]);
        return error;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    r->pid = pid;
    r->words = ends[0];
    return 0;
}

/* ---- what it says ---- */

static void keep(struct dev_run *r, const char *words, size_t len)
{
    size_t room = DEV_SAID_MAX - r->said_len;
    size_t kept = len < room ? len : room;
    char *said = kept > 0 ? realloc(r->said, r->said_len + kept) : NULL;
    if (said) {
        memcpy(said + r->said_len, words, kept);
        r->said = said;
        r->said_len += kept;
        len -= kept;
    }
    r->unsaid += len;
}

/* A terminal whose other end is closed is an error to read, EIO. False: nothing more will come. */
static bool listen_to(struct dev_run *r)
{
    char words[READ_BYTES];
    ssize_t n;
    while ((n = read(r->words, words, sizeof words)) > 0)
        keep(r, words, (size_t)n);
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void on_words(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    if (!listen_to(poll->data))
        uv_poll_stop(poll);
}

/* ---- its end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct dev_run *r = handle->data;
    if (--r->handles > 0)
        return;
    close(r->pidfd);
    close(r->words);
    if (r->ended)
        r->ended(r->user);
}

static void close_handles(struct dev_run *r)
{
    uv_close((uv_handle_t *)&r->exit_poll, on_closed);
    uv_close((uv_handle_t *)&r->words_poll, on_closed);
}

static void reap(struct dev_run *r)
{
    while (waitpid(r->pid, &r->status, 0) < 0 && errno == EINTR)
        ;
    r->pid = 0;
}

static void on_exit_poll(uv_poll_t *poll, int status, int events)
{
    struct dev_run *r = poll->data;
    (void)status, (void)events;
    reap(r);
    listen_to(r); /* to the end, and not longer: it may have left somebody behind who holds the pipe */
    close_handles(r);
}

static void listen_on_loop(struct dev_run *r)
{
    CHECK(uv_poll_init(r->loop, &r->exit_poll, r->pidfd) == 0);
    CHECK(uv_poll_init(r->loop, &r->words_poll, r->words) == 0);
    r->exit_poll.data = r->words_poll.data = r;
    r->handles = 2;
    uv_poll_start(&r->exit_poll, UV_READABLE, on_exit_poll);
    uv_poll_start(&r->words_poll, UV_READABLE, on_words);
}

int dev_run_start(struct dev_run *r, uv_loop_t *loop, const struct dev_command *command,
                  void (*ended)(void *user), void *user)
{
    free(r->said);
    *r = (struct dev_run){.loop = loop, .ended = ended, .user = user};
    int error = spawn(r, command);
    if (error < 0)
        return error;
    r->pidfd = pidfd_open(r->pid, 0);
    if (r->pidfd < 0) {
        error = -errno;
        kill(-r->pid, SIGKILL);
        kill(r->pid, SIGKILL); /* it may not lead a group yet */
        reap(r);
        close(r->words);
        return error;
    }
    listen_on_loop(r);
    return 0;
}

static bool is_over_within(const struct dev_run *r, int ms)
{
    return poll(&(struct pollfd){.fd = r->pidfd, .events = POLLIN}, 1, ms) == 1;
}

/* Until it is reaped its number is nobody else's, and so is its group's. */
static void end_group(struct dev_run *r)
{
    if (kill(-r->pid, SIGTERM) < 0)
        kill(r->pid, SIGTERM);
    if (!is_over_within(r, DEV_RUN_END_MS))
        kill(r->pid, SIGKILL);
    kill(-r->pid, SIGKILL);
    reap(r);
}

void dev_run_finish(struct dev_run *r)
{
    r->ended = NULL;
    if (r->pid > 0) {
        end_group(r);
        close_handles(r);
    }
    while (r->handles > 0)
        uv_run(r->loop, UV_RUN_ONCE);
    free(r->said);
    *r = (struct dev_run){0};
}
