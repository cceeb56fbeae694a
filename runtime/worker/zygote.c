#include "worker/zygote.h"

#include "shared/wire.h"
#include "worker/children.h"
#include "worker/worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

struct zygote {
    int control;
    int deaths; /* signalfd for SIGCHLD */
    pid_t pid;
    struct children children;
    bool ended;
    int status; /* to exit with, once ended */
};

/* An order with the fds that came along; those are ours to close. */
struct order {
    struct zygote_order body;
    int fds[ZYGOTE_FD_COUNT];
    int fd_count;
    bool fds_lost; /* the kernel could not give us all of them: no free descriptor */
};

static void end(struct zygote *z, int status, const char *why)
{
    if (why)
        fprintf(stderr, "hark-worker: %s\n", why);
    z->ended = true;
    z->status = status;
}

static void report(struct zygote *z, enum zygote_report_type type, uint32_t worker, pid_t pid, int status)
{
    struct zygote_report r = {.type = type, .worker = worker, .pid = pid, .status = status};
    ssize_t n;
    do
        n = send(z->control, &r, sizeof r, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        end(z, EXIT_SUCCESS, NULL); /* hark is gone */
}

static void close_fds(const struct order *o)
{
    for (int i = 0; i < o->fd_count; i++)
        close(o->fds[i]);
}

static void take_fds(struct order *o, struct msghdr *packet)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(packet);
    o->fds_lost = packet->msg_flags & MSG_CTRUNC;
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return;
    o->fd_count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(o->fds, CMSG_DATA(c), (size_t)o->fd_count * sizeof(int));
}

/* 1 with an order, 0 when hark is gone, -EBADMSG for a packet that is none. Its fds are filled in anyway. */
static int receive(int control, struct order *o)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(sizeof o->fds)];
    struct iovec iov = {&o->body, sizeof o->body};
    struct msghdr packet = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
    ssize_t n;
    do
        n = recvmsg(control, &packet, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return 0;
    take_fds(o, &packet);
    return n == sizeof o->body && !(packet.msg_flags & MSG_TRUNC) ? 1 : -EBADMSG;
}

/* In the child: does not return. */
static void become_worker(const struct zygote *z, const struct order *o)
{
    struct worker_birth birth = {
        .zygote = z->pid,
        .channel = o->fds[ZYGOTE_FD_CHANNEL],
        .handler = o->fds[ZYGOTE_FD_HANDLER],
        .recorder = o->fds[ZYGOTE_FD_RECORDER],
        .log = o->fds[ZYGOTE_FD_LOG],
        .data_bytes = o->body.data_bytes,
    };
    worker_main(&birth);
}

static void fork_worker(struct zygote *z, const struct order *o)
{
    struct child *child = children_add(&z->children, o->body.worker);
    if (!child) {
        report(z, ZYGOTE_FORK_FAILED, o->body.worker, 0, ENOMEM);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        become_worker(z, o);
    if (pid < 0) {
        int error = errno;
        children_remove(child);
        report(z, ZYGOTE_FORK_FAILED, o->body.worker, 0, error);
        return;
    }
    child->pid = pid;
    report(z, ZYGOTE_STARTED, child->worker, pid, 0);
}

static void obey_fork(struct zygote *z, const struct order *o)
{
    if (o->fds_lost)
        report(z, ZYGOTE_FORK_FAILED, o->body.worker, 0, EMFILE);
    else if (o->fd_count != ZYGOTE_FD_COUNT)
        end(z, EX_PROTOCOL, "a fork order without its four descriptors");
    else if (children_find(&z->children, o->body.worker))
        end(z, EX_PROTOCOL, "a fork order for a worker that is alive");
    else
        fork_worker(z, o);
}

/* An order may cross the death of its worker: then there is nothing to kill. */
static void obey_kill(struct zygote *z, const struct order *o)
{
    const struct child *child = children_find(&z->children, o->body.worker);
    if (child)
        kill(child->pid, SIGKILL);
}

static void obey(struct zygote *z)
{
    struct order o = {0};
    int got = receive(z->control, &o);
    if (got == 0)
        end(z, EXIT_SUCCESS, NULL);
    else if (got < 0)
        end(z, EX_PROTOCOL, "an order of the wrong size");
    else if (o.body.type == ZYGOTE_FORK)
        obey_fork(z, &o);
    else if (o.body.type == ZYGOTE_KILL && o.fd_count == 0)
        obey_kill(z, &o);
    else
        end(z, EX_PROTOCOL, "an order of an unknown type");
    close_fds(&o);
}

static void bury(struct zygote *z)
{
    struct signalfd_siginfo info;
    if (read(z->deaths, &info, sizeof info) < 0 && errno != EAGAIN && errno != EINTR)
        end(z, EX_OSERR, "cannot read the signalfd");
    int status;
    for (pid_t pid; !z->ended && (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        struct child *child = children_of_pid(&z->children, pid);
        if (!child)
            continue;
        uint32_t worker = child->worker;
        children_remove(child);
        report(z, ZYGOTE_EXITED, worker, pid, status);
    }
}

static void kill_all(struct zygote *z)
{
    struct child *child;
    LIST_FOREACH (child, &z->children, link)
        kill(child->pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

/* A function that is linked to one of these finds it loaded, and every worker shares its pages. */
static void preload_libraries(void)
{
    static const char *const names[] = {"libm.so.6", "libgcc_s.so.1", "libstdc++.so.6"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)dlopen(names[i], RTLD_NOW | RTLD_LOCAL); /* absent is fine: then nobody needs it */
}

/* Standard input and output become /dev/null; of everything else we keep standard error and the socket. */
static int keep_only(int control)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return -errno;
    if (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(null, STDERR_FILENO) < 0)
        return -errno;
    return close_range((unsigned)control + 1, ~0u, 0) < 0 ? -errno : 0;
}

/* Ends by hark's word or death alone. A terminal's Ctrl-C or a service manager's SIGTERM to the whole group
 * reaches hark as well, which then drains the workers in order. */
static void ignore_polite_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
}

static int watch_deaths(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    signal(SIGCHLD, SIG_DFL); /* inherited SIG_IGN would reap behind our back */
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* 0, or -errno. Dies with `parent`; a parent that died before the prctl is seen by its changed id. */
static int settle(struct zygote *z, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return -errno;
    if (getppid() != parent)
        return -ESRCH;
    (void)setsid(); /* away from the terminal; fails when hark has done it */
    (void)clearenv();
    (void)prctl(PR_SET_NAME, "hark-zygote");
    ignore_polite_signals();
    int error = keep_only(z->control);
    if (error < 0)
        return error;
    preload_libraries();
    z->deaths = watch_deaths();
    return z->deaths < 0 ? -errno : 0;
}

static void serve(struct zygote *z)
{
    struct pollfd sources[] = {{.fd = z->control, .events = POLLIN}, {.fd = z->deaths, .events = POLLIN}};
    while (!z->ended) {
        if (poll(sources, 2, -1) < 0) {
            if (errno != EINTR)
                end(z, EX_OSERR, "cannot poll");
            continue;
        }
        if (sources[1].revents)
            bury(z);
        if (!z->ended && sources[0].revents)
            obey(z);
    }
}

int zygote_run(int control, pid_t parent)
{
    struct zygote z = {.control = control, .pid = getpid()};
    LIST_INIT(&z.children);
    int error = settle(&z, parent);
    if (error < 0) {
        fprintf(stderr, "hark-worker: cannot start: %s\n", strerror(-error));
        return EX_OSERR;
    }
    serve(&z);
    kill_all(&z);
    return z.status;
}
