/* fake_zygote.c: a zygote whose workers misbehave by script: what the dispatcher must survive.
 *
 * The user it is to become (argv[2], "UID:GID") says what it tells of its seal: see fake_zygote.h.
 *
 * It is started as hark-worker is, and speaks the control protocol. Where a worker would load its handler,
 * the name of a script is read from it and played on the channel. */
#include "fake_zygote.h"
#include "fake_worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* It comes with the first byte of the setup, which stays to be read. */
static int await_handler(int channel)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } rights;
    char byte;
    int handler;
    struct iovec bytes = {&byte, 1};
    struct msghdr packet = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    if (recvmsg(channel, &packet, MSG_PEEK) != 1 || !CMSG_FIRSTHDR(&packet))
        _exit(103);
    memcpy(&handler, CMSG_DATA(CMSG_FIRSTHDR(&packet)), sizeof handler);
    return handler;
}

static void become_worker(const int *fds, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(102);
    close(ZYGOTE_FD);
    fake_worker_main(fds, await_handler(fds[ZYGOTE_FD_CHANNEL]));
}

static struct {
    uint32_t worker;
    pid_t pid;
} children[64];
static size_t child_count;

static void report(uint32_t type, uint32_t worker, pid_t pid, int status)
{
    struct zygote_report r = {.type = type, .worker = worker, .pid = pid, .status = status};
    if (send(ZYGOTE_FD, &r, sizeof r, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void obey_fork(const struct zygote_order *order, const int *fds)
{
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        become_worker(fds, self);
    for (int i = 0; i < ZYGOTE_FD_COUNT; i++)
        close(fds[i]);
    if (child_count == sizeof children / sizeof *children)
        _exit(104);
    children[child_count].worker = order->worker;
    children[child_count++].pid = pid;
    report(ZYGOTE_STARTED, order->worker, pid, 0);
}

static void obey(void)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * ZYGOTE_FD_COUNT)];
    } rights;
    int fds[ZYGOTE_FD_COUNT];
    struct zygote_order order;
    struct iovec bytes = {&order, sizeof order};
    struct msghdr packet = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    if (recvmsg(ZYGOTE_FD, &packet, 0) != (ssize_t)sizeof order)
        _exit(0);
    if (order.type == ZYGOTE_FORK) {
        memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&packet)), sizeof fds);
        obey_fork(&order, fds);
        return;
    }
    if (order.type == ZYGOTE_PING)
        report(ZYGOTE_PONG, 0, 0, 0);
    for (size_t i = 0; i < child_count; i++) {
        if (children[i].worker == order.worker)
            kill(children[i].pid, SIGKILL);
    }
}

static void bury(int deaths)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;
    if (read(deaths, &info, sizeof info) < 0)
        return;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < child_count; i++) {
            if (children[i].pid != pid)
                continue;
            report(ZYGOTE_EXITED, children[i].worker, pid, status);
            children[i] = children[--child_count];
            break;
        }
    }
}

static void say_layers(unsigned role, const char *waived, bool grants)
{
    struct zygote_layers z = {.type = ZYGOTE_LAYERS, .uid = role};
    for (int i = 0; i < LAYER_COUNT; i++) {
        if (strstr(waived, layer_name((enum layer)i)) || (role == FAKE_WAIVES && i == LAYER_MDWE))
            z.layers[i].status = LAYER_WAIVED;
        else if (role == FAKE_LACKS + (unsigned)i || (grants && role == FAKE_LACKS_LATER + (unsigned)i))
            z.layers[i] = (struct layer_state){.status = LAYER_MISSING, .error = ENOSYS};
    }
    size_t len = role == FAKE_CUTS ? sizeof z - 1 : sizeof z;
    if (role == FAKE_ENDS || send(ZYGOTE_FD, &z, len, MSG_NOSIGNAL) < 0)
        _exit(0);
}

int main(int argc, char **argv)
{
    sigset_t set;
    bool grants = argc == 5 && strcmp(argv[4], "grants") == 0;
    if (argc != 4 + grants)
        _exit(106);
    unsigned role = (unsigned)strtoul(argv[2], NULL, 10);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (role == FAKE_REPORTS)
        report(ZYGOTE_STARTED, 1, 1, 0);
    say_layers(role, argv[3], grants);
    int deaths = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    struct pollfd sources[] = {{.fd = ZYGOTE_FD, .events = POLLIN}, {.fd = deaths, .events = POLLIN}};
    while (poll(sources, 2, -1) >= 0 || errno == EINTR) {
        if (sources[1].revents)
            bury(deaths);
        if (sources[0].revents)
            obey();
    }
    _exit(105);
}
