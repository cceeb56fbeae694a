#include "worker/zygote.h"

#include "shared/fork_into.h"
#include "shared/wire.h"
#include "worker/children.h"
#include "worker/libraries.h"
#include "worker/loader.h"
#include "worker/nest.h"
#include "worker/seal.h"
#include "worker/worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
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
    struct nest nest;
    bool grants; /* zygote.h */
    int ruleset; /* seal.h */
    struct children children;
    struct server *server; /* of each worker to come */
    int sample;            /* loader.h */
    bool ended;
    int status; /* to exit with, once ended */
};

/* An order with the fds that came along; those are ours to close. */
struct order {
    struct zygote_order body;
    int fds[ZYGOTE_FDS_MAX];
    int fd_count;
    bool fds_lost; /* the kernel could not give us all of them: no free descriptor */
    const struct grants *grants;
};

/* Of the last order that had some. A page that is written after a fork is no longer shared with that worker:
 * so it is left alone by all other orders. */
static struct {
    struct grants grants;
    char bytes[GRANTS_BYTES_MAX]; /* what they were read from, as it came behind the body */
} granted;

static void end(struct zygote *z, int status, const char *why)
{
    if (why)
        fprintf(stderr, "hark-worker: %s\n", why);
    z->ended = true;
    z->status = status;
}

static void send_packet(struct zygote *z, const void *packet, size_t bytes)
{
    ssize_t n;
    do
        n = send(z->control, packet, bytes, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        end(z, EXIT_SUCCESS, NULL); /* hark is gone */
}

static void report(struct zygote *z, enum zygote_report_type type, uint32_t worker, pid_t pid, int status)
{
    struct zygote_report r = {.type = type, .worker = worker, .pid = pid, .status = status};
    send_packet(z, &r, sizeof r);
}

static void report_layers(struct zygote *z)
{
    struct zygote_layers r = {.type = ZYGOTE_LAYERS, .uid = z->nest.uid};
    memcpy(r.layers, z->nest.layers, sizeof r.layers);
    send_packet(z, &r, sizeof r);
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

static int take_grants(struct order *o, size_t bytes, bool is_cut)
{
    static const struct grants none;
    if (is_cut || bytes < sizeof o->body || bytes - sizeof o->body != o->body.grants_bytes)
        return -EBADMSG;
    o->grants = o->body.grants_bytes ? &granted.grants : &none;
    if (o->body.grants_bytes == 0)
        return 1;
    return grants_decode(slice_make(granted.bytes, o->body.grants_bytes), &granted.grants) < 0 ? -EBADMSG : 1;
}

/* 1 with an order, 0 when hark is gone, -EBADMSG for a packet that is none. Its fds are filled in anyway. */
static int receive(int control, struct order *o)
{
    _Alignas(struct cmsghdr) char rights[CMSG_SPACE(sizeof o->fds)];
    struct iovec iov[] = {{&o->body, sizeof o->body}, {granted.bytes, sizeof granted.bytes}};
    struct msghdr packet = {
        .msg_iov = iov, .msg_iovlen = 2, .msg_control = rights, .msg_controllen = sizeof rights};
    ssize_t n;
    do
        n = recvmsg(control, &packet, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return 0;
    take_fds(o, &packet);
    return take_grants(o, (size_t)n, packet.msg_flags & MSG_TRUNC);
}

/* In the child. */
static _Noreturn void become_worker(const struct zygote *z, const struct order *o)
{
    struct worker_birth birth = {
        .parent = z->nest.first.pid ? 0 : z->pid,
        .proc = z->nest.proc,
        .fds = o->fds,
        .sample = z->sample,
        .server = z->server,
        .layers = z->nest.layers,
        .limits = o->body.limits,
        .grants = o->grants,
        .ruleset = z->ruleset,
        .is_spare = o->body.is_spare,
        .views = &z->nest.views,
    };
    worker_main(&birth);
}

/* _Fork(3) leaves out the handlers and locks that only threads need, and we have one. */
static int give_birth(const struct zygote *z, const struct order *o, pid_t *ret_pid)
{
    bool has_cgroup = o->fd_count > (int)ZYGOTE_FD_CGROUP;
    pid_t pid = has_cgroup ? fork_into(o->fds[ZYGOTE_FD_CGROUP]) : _Fork();
    if (pid == 0)
        become_worker(z, o);
    *ret_pid = pid;
    return pid >= 0 ? 0 : has_cgroup ? pid : -errno;
}

/* The child goes first where it is on our core: somebody may wait for it, and nobody for the report. */
static void fork_worker(struct zygote *z, const struct order *o)
{
    struct child *child = children_add(&z->children, o->body.worker);
    int error = child ? give_birth(z, o, &child->pid) : -ENOMEM;
    if (!error) {
        (void)sched_yield();
        report(z, ZYGOTE_STARTED, child->worker, child->pid, 0);
        return;
    }
    if (child)
        children_remove(child);
    report(z, ZYGOTE_FORK_FAILED, o->body.worker, 0, -error);
}

static void obey_fork(struct zygote *z, const struct order *o)
{
    if (!z->grants && !grants_empty(o->grants))
        end(z, EX_PROTOCOL, "a fork order with grants, which are for another zygote");
    else if (o->fds_lost)
        report(z, ZYGOTE_FORK_FAILED, o->body.worker, 0, EMFILE);
    else if (o->fd_count != ZYGOTE_FD_COUNT && o->fd_count != ZYGOTE_FDS_MAX)
        end(z, EX_PROTOCOL, "a fork order without its three or four descriptors");
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

static bool has_nothing_with_it(const struct order *o)
{
    return o->fd_count == 0 && o->body.grants_bytes == 0;
}

/* What one function was granted is none of the next one's business, whose worker has all of our memory. */
static void forget(const struct order *o)
{
    close_fds(o);
    if (o->body.grants_bytes == 0)
        return;
    memset(&granted, 0, sizeof granted);
}

static void obey(struct zygote *z)
{
    struct order o = {.fd_count = 0};
    int got = receive(z->control, &o);
    if (got == 0)
        end(z, EXIT_SUCCESS, NULL);
    else if (got < 0)
        end(z, EX_PROTOCOL, "an order of the wrong size or form");
    else if (o.body.type == ZYGOTE_FORK)
        obey_fork(z, &o);
    else if (o.body.type == ZYGOTE_KILL && has_nothing_with_it(&o))
        obey_kill(z, &o);
    else if (o.body.type == ZYGOTE_PING && has_nothing_with_it(&o))
        report(z, ZYGOTE_PONG, 0, 0, 0);
    else
        end(z, EX_PROTOCOL, "an order of an unknown type");
    forget(&o);
}

static void bury(struct zygote *z)
{
    struct signalfd_siginfo info;
    if (read(z->deaths, &info, sizeof info) < 0 && errno != EAGAIN && errno != EINTR)
        end(z, EX_OSERR, "cannot read the signalfd");
    int status;
    for (pid_t pid; !z->ended && (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        struct child *child = children_of_pid(&z->children, pid);
        if (pid == z->nest.first.pid)
            end(z, EX_OSERR, "the first process of the workers' pid namespace died, and they with it");
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
    if (z->nest.first.pid)
        kill(z->nest.first.pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

/* The loader compares the name of whatever is loaded later with the soname of each library, which is a page
 * fault each, in every worker; but not of one that it knew by its path and has then found by that name. They
 * are mostly where `neighbour` is. */
static void preload(const char *neighbour, const char *name)
{
    char path[PATH_MAX];
    const char *slash = strrchr(neighbour, '/');
    snprintf(path, sizeof path, "%.*s/%s", slash ? (int)(slash - neighbour) : 0, neighbour, name);
    (void)dlopen(path, RTLD_NOW | RTLD_LOCAL);
    (void)dlopen(name, RTLD_NOW | RTLD_LOCAL); /* if there is none, nobody needs it */
}

/* A function that is linked to one of these finds it loaded, and every worker shares its pages. Nothing that
 * is not loaded now can be found in the empty root; libpthread and the like are empty where libc has it all,
 * but older compilers name them. */
static int preload_libraries(void)
{
    static const char *const names[] = {"libm.so.6",       "libgcc_s.so.1", "libstdc++.so.6",
                                        "libpthread.so.0", "libdl.so.2",    "librt.so.1"};
    size_t own = libraries_count();
    Dl_info libc = {.dli_fname = ""};
    (void)dladdr((void *)(uintptr_t)getpid, &libc);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        preload(libc.dli_fname, names[i]);
    libraries_join_text();
    return libraries_put_aside(own);
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
 * reaches hark as well, which then drains the workers in order. SIGPIPE: a log pipe that nobody reads is no
 * reason to die. All else as in a fresh process. Workers inherit it. */
static void reset_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &(struct sigaction){.sa_handler = SIG_DFL}, NULL); /* fails for SIGKILL */
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        (void)sigaction(ignored[i], &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static int watch_deaths(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* A parent that died before the prctl is seen by its changed id. */
static int die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return -errno;
    return getppid() == parent ? 0 : -ESRCH;
}

/* Before anything is forked that would stay behind. Whoever opened it had the right to. */
static int enter_cgroup(int procs)
{
    return procs >= 0 && write(procs, "0", 1) < 0 ? -errno : 0;
}

/* While the machine can still be seen. 0 or -errno. */
static int settle(struct zygote *z)
{
    (void)setsid(); /* away from the terminal; fails when hark has done it */
    (void)clearenv();
    (void)prctl(PR_SET_NAME, "hark-zygote");
    reset_signals();
    int error = keep_only(z->control);
    if (error < 0)
        return error;
    error = preload_libraries();
    if (error < 0)
        return error;
    z->sample = loader_open_sample();
    z->server = worker_prepare();
    z->deaths = watch_deaths();
    if (!z->server)
        return -ENOMEM;
    error = fork_into_prepare(); /* later there is no way to ask */
    if (error < 0)
        return error;
    return z->deaths < 0 ? -errno : 0;
}

/* Where each of its workers shall be. */
static int stand_in_proc(const struct zygote *z, struct diag *why)
{
    if (fchdir(z->nest.proc) == 0)
        return 0;
    int error = -errno;
    diag_set(why, NULL, 0, 0, "/proc: %s", strerror(-error));
    return error;
}

static int seal_in(struct zygote *z, const struct zygote_options *options, struct diag *why)
{
    for (int i = 0; i < LAYER_COUNT; i++)
        z->nest.layers[i].status = options->waived[i] ? LAYER_WAIVED : LAYER_MISSING;
    int error = nest_build(&z->nest, &options->identity, why);
    if (error)
        return error;
    seal_probe(z->nest.layers);
    error = seal_prepare(z->nest.layers, why);
    if (!error)
        error = stand_in_proc(z, why);
    loader_warm_up(z->sample); /* memory that it leaves behind is at hand for workers, and in few pages */
    if (error || z->grants)
        return error;
    nest_close_views(&z->nest);
    return seal_prepare_plain(z->nest.layers, &z->ruleset, why);
}

/* Another identity forgets whom it dies with: so that is said twice. */
static int begin(struct zygote *z, const struct zygote_options *options, struct diag *why)
{
    int error = die_with(options->parent);
    if (!error)
        error = enter_cgroup(options->cgroup_procs);
    if (!error)
        error = settle(z);
    if (!error && (error = seal_in(z, options, why)) < 0)
        return error;
    if (!error)
        error = die_with(options->parent);
    if (error)
        diag_set(why, NULL, 0, 0, "%s", strerror(-error));
    return error;
}

static void serve(struct zygote *z)
{
    struct pollfd sources[] = {{.fd = z->control, .events = POLLIN}, {.fd = z->deaths, .events = POLLIN}};
    while (!z->ended) {
        int ready = poll(sources, 2, -1);
        if (ready < 0 && errno != EINTR)
            end(z, EX_OSERR, "cannot poll");
        if (ready < 0)
            continue;
        if (sources[1].revents)
            bury(z);
        if (!z->ended && sources[0].revents)
            obey(z);
    }
}

int zygote_run(const struct zygote_options *options)
{
    struct zygote z = {
        .control = options->control, .pid = getpid(), .grants = options->grants, .ruleset = -1};
    struct diag why;
    LIST_INIT(&z.children);
    if (begin(&z, options, &why) < 0) {
        fprintf(stderr, "hark-worker: cannot start: %s\n", why.text);
        return EX_OSERR;
    }
    report_layers(&z);
    serve(&z);
    kill_all(&z);
    return z.status;
}
