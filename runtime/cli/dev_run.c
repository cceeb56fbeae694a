#include "cli/dev_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
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

/* ---- its end ---- */

static bool is_over_within(const struct dev_run *r, int ms)
{
    return poll(&(struct pollfd){.fd = r->pidfd, .events = POLLIN}, 1, ms) == 1;
}

static void reap(struct dev_run *r)
{
    while (waitpid(r->pid, &r->status, 0) < 0 && errno == EINTR)
        ;
    r->pid = 0;
}

static void close_files(struct dev_run *r)
{
    const int files[] = {r->pidfd, r->words, r->both};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i] >= 0)
            close(files[i]);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct dev_run *r = handle->data;
    r->is_watched = false;
    close_files(r);
    if (r->ended)
        r->ended(r->user);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct dev_run *r = poll->data;
    bool is_over = is_over_within(r, 0);
    (void)status, (void)events;
    if (!listen_to(r))
        epoll_ctl(r->both, EPOLL_CTL_DEL, r->words, NULL);
    if (!is_over)
        return; /* else it is listened to no longer: it may have left somebody behind who holds the pipe */
    reap(r);
    uv_close((uv_handle_t *)&r->poll, on_closed);
}

static int add(const struct dev_run *r, int fd)
{
    struct epoll_event readable = {.events = EPOLLIN};
    return epoll_ctl(r->both, EPOLL_CTL_ADD, fd, &readable) < 0 ? -errno : 0;
}

/* One handle for both: where there is no room for it, nothing is left that would have to be closed. */
static int watch(struct dev_run *r)
{
    r->pidfd = pidfd_open(r->pid, 0);
    if (r->pidfd < 0)
        return -errno;
    r->both = epoll_create1(EPOLL_CLOEXEC);
    if (r->both < 0)
        return -errno;
    int error = add(r, r->pidfd);
    if (!error)
        error = add(r, r->words);
    return error ? error : uv_poll_init(r->loop, &r->poll, r->both);
}

static void abandon(struct dev_run *r)
{
    kill(-r->pid, SIGKILL);
    kill(r->pid, SIGKILL); /* it may not lead a group yet */
    reap(r);
    close_files(r);
}

int dev_run_start(struct dev_run *r, uv_loop_t *loop, const struct dev_command *command,
                  void (*ended)(void *user), void *user)
{
    free(r->said);
    *r = (struct dev_run){.loop = loop, .pidfd = -1, .both = -1, .ended = ended, .user = user};
    int error = spawn(r, command);
    if (error < 0)
        return error;
    error = watch(r);
    if (error < 0) {
        abandon(r);
        return error;
    }
    r->poll.data = r;
    r->is_watched = true;
    uv_poll_start(&r->poll, UV_READABLE, on_ready);
    return 0;
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
        uv_close((uv_handle_t *)&r->poll, on_closed);
    }
    while (r->is_watched)
        uv_run(r->loop, UV_RUN_ONCE);
    free(r->said);
    *r = (struct dev_run){0};
}

void dev_run_kill(const struct dev_run *r)
{
    if (r->pid > 0)
        kill(-r->pid, SIGKILL);
}
