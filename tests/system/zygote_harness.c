#include "zygote_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 20000,
    BODY_MAX = 64 << 20,
    READ_BYTES = 64 << 10,
    ZYGOTE_FDS = 128 /* few, so that a leak shows */
};

struct zygote zygote;

static void await(int fd, const char *what)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1)
        fail_msg("%s did not come", what);
}

const char *zygote_identity, *zygote_waived = "-";
unsigned zygote_user;

/* root must become somebody: no function runs as root. */
static const char *identity(void)
{
    return zygote_identity ? zygote_identity : geteuid() == 0 && !zygote_user ? "65534:65534" : "-";
}

static void become_user(void)
{
    if (zygote_user && (setgroups(0, NULL) < 0 || setresgid(zygote_user, zygote_user, zygote_user) < 0 ||
                        setresuid(zygote_user, zygote_user, zygote_user) < 0))
        _exit(126);
}

static _Noreturn void exec_worker(pid_t parent, int control, int complaints)
{
    char number[16];
    snprintf(number, sizeof number, "%d", parent);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ZYGOTE_FDS, ZYGOTE_FDS});
    int at = fcntl(control, F_DUPFD, ZYGOTE_FD + 1);
    dup2(complaints, STDERR_FILENO);
    dup2(at, ZYGOTE_FD);
    const char *argv[] = {"hark-worker", number, identity(), zygote_waived, NULL};
    const char *envp[] = {"SECRET=hunter2", NULL};
    int program = open(HARK_WORKER, O_PATH | O_CLOEXEC); /* a user may not be allowed to walk there */
    become_user();
    execveat(program, "", (char *const *)argv, (char *const *)envp, AT_EMPTY_PATH);
    _exit(127);
}

void zygote_open(void)
{
    int control[2], complaints[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
    assert_int_equal(pipe2(complaints, O_CLOEXEC), 0);
    zygote = (struct zygote){.control = control[0],
                             .far_control = control[1],
                             .complaints = complaints[0],
                             .far_complaints = complaints[1]};
}

void zygote_launch(pid_t parent)
{
    zygote.pid = fork();
    assert_true(zygote.pid >= 0);
    if (zygote.pid == 0)
        exec_worker(parent, zygote.far_control, zygote.far_complaints);
}

void zygote_close_far_ends(void)
{
    close(zygote.far_control);
    close(zygote.far_complaints);
}

int zygote_set_up(void **unused)
{
    (void)unused;
    zygote_open();
    zygote_launch(getpid());
    zygote_close_far_ends();
    return 0;
}

int zygote_tear_down(void **unused)
{
    (void)unused;
    close(zygote.control);
    close(zygote.complaints);
    if (zygote.pid > 0) {
        kill(zygote.pid, SIGKILL);
        waitpid(zygote.pid, NULL, 0);
    }
    return 0;
}

void zygote_order(enum zygote_order_type type, uint32_t worker)
{
    struct zygote_order order = {.type = type, .worker = worker};
    assert_int_equal(send(zygote.control, &order, sizeof order, MSG_NOSIGNAL), sizeof order);
}

const struct zygote_layers *zygote_read_layers(void)
{
    if (zygote.layers.type != ZYGOTE_LAYERS) {
        await(zygote.control, "the layers");
        ssize_t n = recv(zygote.control, &zygote.layers, sizeof zygote.layers, 0);
        assert_int_equal(n, sizeof zygote.layers);
        assert_int_equal(zygote.layers.type, ZYGOTE_LAYERS);
    }
    return &zygote.layers;
}

struct zygote_report zygote_next_report(void)
{
    struct zygote_report report;
    zygote_read_layers();
    await(zygote.control, "a report");
    assert_int_equal(recv(zygote.control, &report, sizeof report, 0), sizeof report);
    return report;
}

void zygote_expect_exit(int status)
{
    char packet[sizeof(struct zygote_layers)];
    int got;
    do
        await(zygote.control, "the zygote's end");
    while (recv(zygote.control, packet, sizeof packet, 0) > 0);
    assert_int_equal(waitpid(zygote.pid, &got, 0), zygote.pid);
    zygote.pid = 0;
    assert_int_equal(got, EXITED(status));
}

static size_t read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;
    do {
        await(fd, "the end of the text");
        n = read(fd, text + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    return len;
}

void zygote_expect_complaint(const char *expected)
{
    char text[1024] = "";
    read_all(zygote.complaints, text, sizeof text - 1);
    assert_string_equal(text, expected);
}

static int memfd_of(const char *name)
{
    char path[512], block[READ_BYTES];
    snprintf(path, sizeof path, FUNCTIONS_DIR "/%s.so", name);
    int file = open(path, O_RDONLY | O_CLOEXEC), memory = memfd_create(name, MFD_CLOEXEC);
    assert_true(file >= 0 && memory >= 0);
    for (ssize_t n; (n = read(file, block, sizeof block)) > 0;)
        assert_int_equal(write(memory, block, (size_t)n), n);
    close(file);
    return memory;
}

static int make_recorder(struct worker *w)
{
    int fd = memfd_create("recorder", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 4096), 0);
    w->recorder = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(w->recorder != MAP_FAILED);
    return fd;
}

/* fds[ZYGOTE_FD_CGROUP] may be -1. */
static void send_fork(uint32_t id, const struct seal_limits *limits, const int fds[ZYGOTE_FDS_MAX])
{
    struct zygote_order order = {.type = ZYGOTE_FORK, .worker = id, .limits = *limits};
    size_t bytes = (fds[ZYGOTE_FD_CGROUP] < 0 ? ZYGOTE_FD_COUNT : ZYGOTE_FDS_MAX) * sizeof(int);
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(ZYGOTE_FDS_MAX * sizeof(int))];
    } rights = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(bytes)}};
    memcpy(CMSG_DATA(&rights.header), fds, bytes);
    struct iovec iov = {&order, sizeof order};
    struct msghdr packet = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = CMSG_SPACE(bytes)};
    assert_int_equal(sendmsg(zygote.control, &packet, MSG_NOSIGNAL), sizeof order);
}

struct worker worker_fork(const char *name, uint64_t data_bytes)
{
    return worker_fork_limited(name, &(struct seal_limits){.data_bytes = data_bytes, .threads = 1});
}

static struct worker order(const char *name, const struct seal_limits *limits, int cgroup)
{
    static uint32_t last_id;
    struct worker w = {.id = ++last_id};
    int channel[2], output[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    int fds[ZYGOTE_FDS_MAX] = {channel[1], make_recorder(&w), output[1], cgroup};
    send_fork(w.id, limits, fds);
    for (int i = 0; i < ZYGOTE_FDS_MAX; i++)
        close(fds[i]);
    w.handler = memfd_of(name);
    w.channel = channel[0];
    w.output = output[0];
    return w;
}

struct worker worker_fork_limited(const char *name, const struct seal_limits *limits)
{
    struct worker w = order(name, limits, -1);
    struct zygote_report report = zygote_next_report();
    assert_int_equal(report.type, ZYGOTE_STARTED);
    assert_int_equal(report.worker, w.id);
    w.pid = report.pid;
    return w;
}

void worker_order_into(const char *name, int cgroup)
{
    struct worker w = order(name, &(struct seal_limits){.threads = 1}, cgroup);
    worker_release(&w);
}

struct wire_setup worker_default_setup(const char *name)
{
    static const struct slice publishes[] = {{"out/#", 5}};
    static const struct property config[] = {{{"setpoint", 8}, {"21.5", 4}}};
    static char handler[128];
    snprintf(handler, sizeof handler, "%s.so", name);
    return (struct wire_setup){
        .function = slice_of(name),
        .handler = slice_of(handler),
        .config = config,
        .config_count = 1,
        .publishes = publishes,
        .publish_count = 1,
        .payload_max_bytes = 4 << 20,
        .publishes_max = 100000,
    };
}

struct worker worker_start(const char *name)
{
    struct worker w = worker_fork(name, 0);
    struct wire_setup setup = worker_default_setup(name);
    worker_send_setup(&w, &setup);
    worker_expect(&w, WIRE_READY, 0);
    return w;
}

void worker_release(struct worker *w)
{
    if (w->channel >= 0)
        close(w->channel);
    if (w->handler >= 0)
        close(w->handler);
    close(w->output);
    munmap((void *)w->recorder, 4096);
    buffer_finish(&w->in);
}

/* The function's .so goes with the first byte. */
static ssize_t send_some(struct worker *w, const uint8_t *data, size_t len)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights = {
        .header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr packet = {.msg_iov = &iov, .msg_iovlen = 1};
    if (w->handler >= 0) {
        memcpy(CMSG_DATA(&rights.header), &w->handler, sizeof(int));
        packet.msg_control = &rights;
        packet.msg_controllen = sizeof rights;
    }
    ssize_t n = sendmsg(w->channel, &packet, MSG_NOSIGNAL);
    if (w->handler >= 0)
        close(w->handler);
    w->handler = -1;
    return n;
}

void worker_send(struct worker *w, const struct buffer *frames)
{
    assert_false(buffer_failed(frames));
    const uint8_t *at = frames->memory + frames->start;
    for (size_t left = buffer_length(frames); left;) {
        ssize_t n = send_some(w, at, left);
        assert_true(n > 0);
        at += n;
        left -= (size_t)n;
    }
}

static void send_and_finish(struct worker *w, struct buffer *frames)
{
    worker_send(w, frames);
    buffer_finish(frames);
}

void worker_send_setup(struct worker *w, const struct wire_setup *setup)
{
    struct buffer frames = {0};
    wire_put_setup(&frames, setup);
    send_and_finish(w, &frames);
}

void worker_send_stop(struct worker *w)
{
    struct buffer frames = {0};
    wire_put_empty(&frames, WIRE_STOP);
    send_and_finish(w, &frames);
}

void worker_invoke_with(struct worker *w, uint64_t call, const struct wire_invoke *invoke)
{
    struct buffer frames = {0};
    wire_put_invoke(&frames, call, invoke);
    send_and_finish(w, &frames);
}

void worker_invoke(struct worker *w, uint64_t call, const char *topic, const char *payload)
{
    struct wire_invoke invoke = {.timeout_ns = 2000000000,
                                 .attempt = 1,
                                 .message = {.topic = slice_of(topic), .payload = slice_of(payload)}};
    worker_invoke_with(w, call, &invoke);
}

const char *worker_ask(struct worker *w, uint64_t call, const char *payload)
{
    static char text[4096];
    struct slice reply;
    struct wire_invoke invoke = {.attempt = 1,
                                 .message = {.topic = slice_of("in/ask"),
                                             .payload = slice_of(payload),
                                             .response_topic = slice_of("me")}};
    worker_invoke_with(w, call, &invoke);
    struct frame f = worker_next(w);
    while (f.header.type == WIRE_PUBLISH || f.header.type == WIRE_LOG)
        f = worker_next(w);
    assert_int_equal(f.header.type, WIRE_REPLY);
    assert_int_equal(wire_get_reply(f.body, &reply), 0);
    assert_true(reply.len < sizeof text);
    memcpy(text, reply.data, reply.len + 1);
    worker_expect_result(w, call, WIRE_RESULT_OK);
    return text;
}

/* Its last words, which say what it died of. */
static void show_output(const struct worker *w)
{
    char text[4096];
    struct pollfd p = {.fd = w->output, .events = POLLIN};
    for (ssize_t n; poll(&p, 1, PATIENCE_MS) == 1 && (n = read(w->output, text, sizeof text)) > 0;)
        print_error("%.*s", (int)n, text);
}

static void receive(struct worker *w)
{
    await(w->channel, "a frame");
    uint8_t *room = buffer_reserve(&w->in, READ_BYTES);
    assert_non_null(room);
    ssize_t n = recv(w->channel, room, READ_BYTES, 0);
    if (n <= 0) {
        show_output(w);
        fail_msg("the worker closed its channel");
    }
    buffer_commit(&w->in, (size_t)n);
}

struct frame worker_next(struct worker *w)
{
    struct frame f;
    int got;
    buffer_consume(&w->in, w->taken);
    w->taken = 0;
    while ((got = wire_next(buffer_data(&w->in), buffer_length(&w->in), BODY_MAX, &f.header, &f.body)) == 0)
        receive(w);
    assert_int_equal(got, 1);
    w->taken = WIRE_HEADER_BYTES + f.header.length;
    return f;
}

/* What a worker says when it should have said something else is the first thing to know. */
static void show(const struct frame *f)
{
    struct slice text;
    uint32_t level;
    if (f->header.type == WIRE_FAILED && wire_get_failed(f->body, &text) == 0)
        print_error("the worker failed: %.*s\n", SLICE_ARG(text));
    if (f->header.type == WIRE_LOG && wire_get_log(f->body, &level, &text) == 0)
        print_error("the worker logged: %.*s\n", SLICE_ARG(text));
}

struct frame worker_expect(struct worker *w, enum wire_type type, uint64_t call)
{
    struct frame f = worker_next(w);
    if (f.header.type != type)
        show(&f);
    assert_int_equal(f.header.type, type);
    assert_int_equal(f.header.call, call);
    return f;
}

void worker_expect_result(struct worker *w, uint64_t call, enum wire_result expected)
{
    enum wire_result result;
    struct frame f = worker_expect(w, WIRE_RESULT, call);
    assert_int_equal(wire_get_result(f.body, &result), 0);
    assert_int_equal(result, expected);
}

void worker_expect_publish(struct worker *w, uint64_t call, const char *topic, const char *payload)
{
    struct property properties[WIRE_PROPERTIES_MAX];
    struct wire_message m;
    struct frame f = worker_expect(w, WIRE_PUBLISH, call);
    assert_int_equal(wire_get_publish(f.body, &m, properties), 0);
    assert_string_equal(m.topic.data, topic);
    assert_string_equal(m.payload.data, payload);
}

void worker_expect_log(struct worker *w, uint64_t call, uint32_t expected_level, const char *expected)
{
    struct slice text;
    uint32_t level;
    struct frame f = worker_expect(w, WIRE_LOG, call);
    assert_int_equal(wire_get_log(f.body, &level, &text), 0);
    assert_string_equal(text.data, expected);
    assert_int_equal(level, expected_level);
}

void worker_expect_failed(struct worker *w, const char *expected)
{
    struct slice reason;
    struct frame f = worker_expect(w, WIRE_FAILED, 0);
    assert_int_equal(wire_get_failed(f.body, &reason), 0);
    assert_string_equal(reason.data, expected);
}

void worker_expect_output(struct worker *w, const char *expected)
{
    char text[1024];
    size_t len = 0, wanted = strlen(expected);
    while (len < wanted) {
        await(w->output, expected);
        ssize_t n = read(w->output, text + len, wanted - len);
        if (n <= 0)
            fail_msg("the output ended before '%s'", expected);
        len += (size_t)n;
    }
    text[len] = '\0';
    assert_string_equal(text, expected);
}

void worker_expect_end_of_channel(struct worker *w)
{
    char byte;
    assert_int_equal(buffer_length(&w->in), w->taken);
    await(w->channel, "the end of the channel");
    assert_true(recv(w->channel, &byte, 1, 0) <= 0);
}

void worker_expect_exit(const struct worker *w, int status)
{
    struct zygote_report report = zygote_next_report();
    assert_int_equal(report.type, ZYGOTE_EXITED);
    assert_int_equal(report.worker, w->id);
    assert_int_equal(report.pid, w->pid);
    assert_int_equal(report.status, status);
}
