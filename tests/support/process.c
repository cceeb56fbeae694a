#include "support/process.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/moment.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, SIGNAL_AGAIN_MS = 2000, SIGNALS_MAX = 3 };

static SLIST_HEAD(, process) processes = SLIST_HEAD_INITIALIZER(processes);

void give_up(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct process *p;
    SLIST_FOREACH (p, &processes, next)
        lines_print(p->err);
    fail_msg("%s", text);
    abort(); /* not reached: fail_msg jumps */
}

static int input_fd(const char *text)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t len = text ? strlen(text) : 0;
    CHECK(fd >= 0 && write(fd, text ? text : "", len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static int order_pipe(int *ret_orders)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    *ret_orders = ends[0];
    return ends[1];
}

static void become_nobody(void)
{
    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
        _exit(126);
}

static void enter_cgroup(const char *folder)
{
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int procs = openat(at, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0 || write(procs, "0", 1) != 1)
        _exit(126);
}

/* Whoever started the tests may ignore some: nohup(1) SIGHUP, a shell SIGINT of what it runs beside itself.
 */
static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL); /* fails for SIGKILL */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void run_child(const struct process_options *o, pid_t parent, int in,
                                                int out, int err)
{
    if (o->cgroup)
        enter_cgroup(o->cgroup);
    if (o->as_nobody)
        become_nobody();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which clears it */
    if (getppid() != parent)
        _exit(126);
    reset_signals();
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (o->environment)
        putenv((char *)(uintptr_t)o->environment);
    execvp(o->argv[0], (char *const *)(uintptr_t)o->argv);
    dprintf(STDERR_FILENO, "%s: cannot be run: %s\n", o->argv[0], strerror(errno));
    _exit(127);
}

void process_drain(struct process *p)
{
    if (!lines_ended(p->out, GUARD_MS) || !lines_ended(p->err, GUARD_MS))
        fail_msg("something that %s started outlives it", p->name);
}

static void process_end(void *thing)
{
    struct process *p = thing;
    if (p->pid) {
        kill(p->pid, SIGKILL);
        process_wait(p);
    }
    process_drain(p);
    SLIST_REMOVE(&processes, p, process, next);
    lines_destroy(p->out);
    lines_destroy(p->err);
    if (p->orders >= 0)
        close(p->orders);
    free(p);
}

struct process *process_start(const struct process_options *o)
{
    int out[2], err[2], in;
    CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    struct process *p = must_alloc(sizeof *p);
    *p = (struct process){.orders = -1};
    in = o->takes_orders ? order_pipe(&p->orders) : input_fd(o->input);
    snprintf(p->name, sizeof p->name, "%s", o->name);
    pid_t parent = getpid();
    p->pid = fork();
    CHECK(p->pid >= 0);
    if (p->pid == 0)
        run_child(o, parent, in, out[1], err[1]);
    close(in);
    close(out[1]);
    close(err[1]);
    p->out = lines_create(p->name, out[0]);
    p->err = lines_create(p->name, err[0]);
    SLIST_INSERT_HEAD(&processes, p, next);
    at_end_of_test(process_end, p);
    return p;
}

void process_order(struct process *p, const char *line)
{
    CHECK(p->orders >= 0);
    char text[128];
    int len = snprintf(text, sizeof text, "%s\n", line);
    CHECK(len > 0 && (size_t)len < sizeof text);
    ssize_t sent = send(p->orders, text, (size_t)len, MSG_NOSIGNAL);
    (void)sent;
}

void process_signal(struct process *p, int signal)
{
    assert_int_not_equal(p->pid, 0);
    assert_int_equal(kill(p->pid, signal), 0);
}

/* Waits without reaping, so that the pid stays ours whatever happens next. */
static bool has_exited(pid_t pid, int within_ms)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    CHECK(fd >= 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int got = poll(&p, 1, within_ms);
    close(fd);
    return got == 1;
}

bool process_is_alive(const struct process *p)
{
    return p->pid && !has_exited(p->pid, 0);
}

void process_stop(struct process *p, int signal)
{
    int signals = 0;
    do
        process_signal(p, signal);
    while (!has_exited(p->pid, SIGNAL_AGAIN_MS) && ++signals < SIGNALS_MAX);
    process_wait(p);
}

int process_wait(struct process *p)
{
    return process_wait_within(p, GUARD_MS);
}

int process_wait_within(struct process *p, int ms)
{
    if (p->pid) {
        if (!has_exited(p->pid, ms))
            give_up("%s does not end", p->name);
        CHECK(waitpid(p->pid, &p->status, 0) == p->pid);
        p->pid = 0;
    }
    return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
}

uint64_t process_cpu_ns(const struct process *p)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", p->pid);
    FILE *f = fopen(path, "re");
    CHECK(f);
    char text[1024];
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';
    unsigned long user = 0, system = 0;
    const char *after_name = strrchr(text, ')');
    CHECK(after_name);
    int got = sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    assert_int_equal(got, 2);
    return (user + system) * (NS_PER_S / (unsigned long)sysconf(_SC_CLK_TCK));
}
