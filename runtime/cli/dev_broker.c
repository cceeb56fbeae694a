#include "cli/dev_broker.h"

#include "cli/program.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { NOBODY = 65534, CANNOT_EXECUTE = 127, BUSY = 1 };

/* ---- before it starts ---- */

/* Debian has it in a folder that is not on everybody's PATH. */
static char *find_program(void)
{
    char *program = program_find("mosquitto");
    return program ? program : program_find_in("mosquitto", "/usr/sbin:/usr/local/sbin");
}

/* *port, a free one if it was 0, bound: no other program is given it by the kernel, yet who asks for it by
 * name and with SO_REUSEADDR, as mosquitto does, may listen on it: ip(7), socket(7). A descriptor, or a
 * negative errno. */
static int hold_port(uint16_t *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int error = 0;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        error = -errno;
    else
        *port = ntohs(address.sin_port);
    if (!error)
        return fd;
    close(fd);
    return error;
}

static bool is_taken(uint16_t port)
{
    int fd = hold_port(&port);
    if (fd >= 0)
        close(fd);
    return fd == -EADDRINUSE;
}

static int create_folder(struct dev_broker *b)
{
    const char *temporary = getenv("TMPDIR");
    if (asprintf(&b->folder, "%s/hark-dev-XXXXXX", temporary && temporary[0] ? temporary : "/tmp") < 0)
        b->folder = NULL;
    /* 0711: the broker does not run as root, and has to open its configuration. */
    if (b->folder && mkdtemp(b->folder) && chmod(b->folder, 0711) == 0)
        return 0;
    log_error("%s: no temporary folder: %s: set TMPDIR to a folder that you may write",
              b->folder ? b->folder : "/tmp", strerror(errno));
    free(b->folder);
    b->folder = NULL;
    return EX_SOFTWARE;
}

static char *file_in(const struct dev_broker *b, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", b->folder, name) < 0 ? NULL : path;
}

/* No limit on what it queues: a tool for looking at messages should not drop any. */
static int write_configuration(const struct dev_broker *b, const char *path)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    fprintf(f,
            "listener %u 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n"
            "persistence false\nlog_dest stderr\nlog_type error\nlog_timestamp false\n",
            (unsigned)b->port);
    fchmod(fileno(f), 0644);
    return fclose(f) == 0 ? 0 : -errno;
}

/* ---- the process ---- */

/* In the child. It must not outlive hark, however that ends: a parent that died meanwhile sends no signal. It
 * keeps hark's standard output open, so that who reads that to its end knows that the broker is gone too. */
__attribute__((noreturn)) static void execute(const char *program, const char *configuration, int words,
                                              pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    setpgid(0, 0); /* Ctrl-C is for hark, which ends the broker last */
    /* A root mosquitto would change its user itself, and lose the parent-death signal by that. */
    bool dropped = geteuid() != 0 || (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    if (dropped && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        dup2(words, STDERR_FILENO) >= 0)
        execl(program, "mosquitto", "-c", configuration, (char *)NULL);
    dprintf(words, "%s: cannot be executed: %s\n", program, strerror(errno));
    _exit(CANNOT_EXECUTE);
}

static int spawn(struct dev_broker *b)
{
    char *configuration = file_in(b, "mosquitto.conf"), *words_path = file_in(b, "mosquitto.log");
    int words = -1, error = configuration && words_path ? write_configuration(b, configuration) : -ENOMEM;
    if (error == 0) {
        words = open(words_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        pid_t parent = getpid();
        b->pid = words < 0 ? -1 : fork();
        if (b->pid == 0)
            execute(b->program, configuration, words, parent);
        if (b->pid < 0) {
            error = -errno;
            b->pid = 0;
        }
    }
    if (words >= 0)
        close(words);
    free(configuration);
    free(words_path);
    return error;
}

static void reap(struct dev_broker *b)
{
    while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    b->pid = 0;
}

static void on_exit_poll(uv_poll_t *poll, int status, int events)
{
    struct dev_broker *b = poll->data;
    (void)status, (void)events;
    uv_poll_stop(poll);
    reap(b);
    if (b->ended)
        b->ended(b->user);
}

static int watch_exit(struct dev_broker *b)
{
    b->pidfd = pidfd_open(b->pid, 0);
    if (b->pidfd < 0)
        return -errno;
    int error = uv_poll_init(b->loop, &b->exit_poll, b->pidfd);
    if (error < 0)
        return error;
    b->exit_poll.data = b;
    b->polling = true;
    return uv_poll_start(&b->exit_poll, UV_READABLE, on_exit_poll);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct dev_broker *b = handle->data;
    close(b->pidfd);
    b->pidfd = -1;
    b->polling = false;
}

static void end_process(struct dev_broker *b)
{
    if (b->polling) {
        uv_close((uv_handle_t *)&b->exit_poll, on_poll_closed);
        while (b->polling)
            uv_run(b->loop, UV_RUN_ONCE);
    }
    if (b->pid == 0)
        return;
    int pidfd = pidfd_open(b->pid, 0);
    kill(b->pid, SIGTERM);
    if (pidfd < 0 || poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, DEV_BROKER_END_MS) != 1)
        kill(b->pid, SIGKILL);
    if (pidfd >= 0)
        close(pidfd);
    reap(b);
}

/* ---- does it take connections? ---- */

struct knock {
    uv_tcp_t socket;
    uv_connect_t request;
    uv_timer_t again;
    struct sockaddr_in address;
    struct dev_broker *broker;
    bool open, connected; /* open: the socket's handle */
    int handles;
};

static void knock(struct knock *k);

static void on_again(uv_timer_t *timer)
{
    knock(timer->data);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct knock *k = handle->data;
    k->open = false;
    if (!k->connected && !uv_is_closing((uv_handle_t *)&k->again))
        uv_timer_start(&k->again, on_again, DEV_BROKER_RETRY_MS, 0);
}

static void on_connect(uv_connect_t *request, int status)
{
    struct knock *k = request->data;
    k->connected = status == 0;
    if (!uv_is_closing((uv_handle_t *)&k->socket))
        uv_close((uv_handle_t *)&k->socket, on_socket_closed);
}

static void knock(struct knock *k)
{
    uv_tcp_init(k->broker->loop, &k->socket);
    k->socket.data = k->request.data = k;
    k->open = true;
    if (uv_tcp_connect(&k->request, &k->socket, (struct sockaddr *)&k->address, on_connect) < 0)
        uv_close((uv_handle_t *)&k->socket, on_socket_closed);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct knock *k = handle->data;
    k->handles--;
}

static void knock_finish(struct knock *k)
{
    if (k->open && !uv_is_closing((uv_handle_t *)&k->socket))
        uv_close((uv_handle_t *)&k->socket, on_socket_closed);
    uv_close((uv_handle_t *)&k->again, on_timer_closed);
    while (k->open || k->handles > 0)
        uv_run(k->broker->loop, UV_RUN_ONCE);
}

/* True: it listens. False: it ended, the time is over, or *stop. */
static bool wait_until_open(struct dev_broker *b, const volatile unsigned *stop)
{
    struct knock k = {.broker = b, .handles = 1};
    uint64_t deadline_ns = clock_now_ns() + DEV_BROKER_START_MS * NS_PER_MS;
    CHECK(uv_ip4_addr("127.0.0.1", b->port, &k.address) == 0);
    uv_timer_init(b->loop, &k.again);
    k.again.data = &k;
    knock(&k);
    while (!k.connected && b->pid != 0 && !*stop && clock_now_ns() < deadline_ns)
        uv_run(b->loop, UV_RUN_ONCE);
    knock_finish(&k);
    return k.connected;
}

/* ---- all of it ---- */

const char *dev_broker_last_words(const struct dev_broker *b, char *buffer, size_t size)
{
    char *path = file_in(b, "mosquitto.log");
    FILE *f = path ? fopen(path, "re") : NULL;
    char line[512];
    snprintf(buffer, size, "it said nothing");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(buffer, size, "%s", line);
    }
    if (f)
        fclose(f);
    free(path);
    return buffer;
}

/* One attempt. 0, BUSY: somebody took the port meanwhile, or an exit code. */
static int attempt(struct dev_broker *b, const volatile unsigned *stop)
{
    char words[512];
    int error = spawn(b);
    if (error == 0)
        error = watch_exit(b);
    if (error < 0) {
        log_error("mosquitto cannot be started: %s", strerror(-error));
        return EX_SOFTWARE;
    }
    if (wait_until_open(b, stop) && b->pid != 0)
        return 0;
    if (*stop)
        return 0;
    bool ended = b->pid == 0;
    end_process(b);
    if (ended && is_taken(b->port))
        return BUSY;
    log_error("mosquitto does not start: %s",
              ended ? dev_broker_last_words(b, words, sizeof words) : "it takes no connections");
    return EX_UNAVAILABLE;
}

static int refuse_port(uint16_t port, int error)
{
    log_error("port %u cannot be used: %s: choose another with --port", (unsigned)port, strerror(-error));
    return EX_UNAVAILABLE;
}

int dev_broker_start(struct dev_broker *b, uv_loop_t *loop, uint16_t port, const volatile unsigned *stop)
{
    *b = (struct dev_broker){.loop = loop, .pidfd = -1};
    b->program = find_program();
    if (!b->program) {
        log_error("there is no mosquitto on PATH: install it (Debian: apt install mosquitto)");
        return EX_UNAVAILABLE;
    }
    int code = create_folder(b);
    for (int i = 0; code == 0 && i < DEV_BROKER_TRIES; i++) {
        b->port = port;
        int held = hold_port(&b->port);
        if (held < 0)
            return refuse_port(port, held);
        code = attempt(b, stop);
        close(held);
        if (code != BUSY)
            return code;
        code = 0;
    }
    return code != 0 ? code : refuse_port(b->port, -EADDRINUSE);
}

void dev_broker_watch(struct dev_broker *b, void (*ended)(void *user), void *user)
{
    b->ended = ended;
    b->user = user;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

static void remove_folder(struct dev_broker *b)
{
    if (b->folder && nftw(b->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        log_warn("%s: cannot be removed: %s", b->folder, strerror(errno));
    free(b->folder);
    b->folder = NULL;
}

void dev_broker_finish(struct dev_broker *b)
{
    b->ended = NULL;
    end_process(b);
    remove_folder(b);
    free(b->program);
}

void dev_broker_kill(struct dev_broker *b)
{
    if (b->pid > 0)
        kill(b->pid, SIGKILL);
    remove_folder(b);
}
