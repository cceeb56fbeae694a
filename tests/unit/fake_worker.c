/* fake_worker.c: the scripts of workers that misbehave, played on the channel. */
#include "fake_worker.h"

#include "shared/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int channel, recorder_fd, log_pipe;
static struct wire_recorder *recorder;
static struct buffer in, out;

/* ---- what scripts are made of ---- */

static void flush(void)
{
    while (buffer_length(&out)) {
        ssize_t sent = send(channel, buffer_data(&out), buffer_length(&out), MSG_NOSIGNAL);
        if (sent < 0)
            _exit(0);
        buffer_consume(&out, (size_t)sent);
    }
}

static void write_log(const char *bytes, size_t len)
{
    while (len) {
        ssize_t written = write(log_pipe, bytes, len);
        if (written < 0)
            _exit(0);
        bytes += written;
        len -= (size_t)written;
    }
}

static void read_more(void)
{
    uint8_t bytes[4096];
    ssize_t got = read(channel, bytes, sizeof bytes);
    if (got <= 0)
        _exit(0);
    buffer_append(&in, bytes, (size_t)got);
}

/* Waits for the next frame of a type; what comes before it is passed over. Returns its call. */
static uint64_t await(enum wire_type type)
{
    for (;;) {
        struct wire_header header;
        struct slice body;
        if (wire_next(buffer_data(&in), buffer_length(&in), SIZE_MAX, &header, &body) == 1) {
            buffer_consume(&in, WIRE_HEADER_BYTES + header.length);
            if (header.type == type)
                return header.call;
            continue;
        }
        read_more();
    }
}

static void put_raw(uint32_t length, uint32_t type, uint64_t call)
{
    struct wire_header header = {.length = length, .type = type, .call = call};
    buffer_append(&out, &header, sizeof header);
}

static void put_publish(uint64_t call, const char *topic)
{
    wire_put_publish(&out, call, &(struct wire_message){.topic = slice_of(topic), .payload = slice_of("x")});
}

static void say_ready(void)
{
    wire_put_empty(&out, WIRE_READY);
    flush();
}

static uint64_t get_ready_for_a_call(void)
{
    say_ready();
    return await(WIRE_INVOKE);
}

static void enter(uint64_t call, uint64_t start_ns)
{
    atomic_store(&recorder->start_ns, start_ns);
    atomic_store(&recorder->call, call);
}

/* As a signal of the kernel's would: also where a sanitizer has a handler of its own. */
static void die_by(int sig)
{
    signal(sig, SIG_DFL);
    raise(sig);
}

static _Noreturn void stay(void)
{
    for (;;)
        pause();
}

static _Noreturn void trickle(void)
{
    for (;;) {
        wire_put_log(&out, 0, 1, slice_of("still here"));
        flush();
        poll(NULL, 0, 1);
    }
}

/* ---- scripts ---- */

static void good(void)
{
    struct wire_header header = {0};
    struct slice body;
    for (say_ready(); header.type != WIRE_STOP; flush()) {
        while (wire_next(buffer_data(&in), buffer_length(&in), SIZE_MAX, &header, &body) != 1)
            read_more();
        buffer_consume(&in, WIRE_HEADER_BYTES + header.length);
        if (header.type == WIRE_INVOKE)
            wire_put_result(&out, header.call, WIRE_RESULT_OK);
    }
    wire_put_empty(&out, WIRE_STOPPED);
    flush();
    _exit(0);
}

static void oversized_frame(void)
{
    get_ready_for_a_call();
    put_raw(UINT32_MAX, WIRE_PUBLISH, 1);
}

static void truncated_frame_then_close(void)
{
    get_ready_for_a_call();
    put_raw(100, WIRE_PUBLISH, 1);
    buffer_append(&out, "half", 4);
    flush();
    close(channel);
    stay();
}

static void truncated_frame_then_exit(void)
{
    get_ready_for_a_call();
    put_raw(100, WIRE_PUBLISH, 1);
    flush();
    _exit(0);
}

static void half_a_frame(void)
{
    get_ready_for_a_call();
    put_raw(100, WIRE_PUBLISH, 1);
}

static void unknown_type(void)
{
    get_ready_for_a_call();
    put_raw(0, 99, 1);
}

static void type_zero(void)
{
    get_ready_for_a_call();
    put_raw(0, 0, 0);
}

static void frame_of_the_dispatcher(void)
{
    get_ready_for_a_call();
    put_raw(0, WIRE_STOP, 0);
}

static void result_for_no_call(void)
{
    say_ready();
    wire_put_result(&out, 1, WIRE_RESULT_OK);
}

static void result_out_of_turn(void)
{
    wire_put_result(&out, get_ready_for_a_call() + 1, WIRE_RESULT_OK);
}

static void result_twice(void)
{
    uint64_t call = get_ready_for_a_call();
    wire_put_result(&out, call, WIRE_RESULT_OK);
    wire_put_result(&out, call, WIRE_RESULT_OK);
}

static void result_that_is_none(void)
{
    put_raw(4, WIRE_RESULT, get_ready_for_a_call());
    buffer_append(&out, "\x09\0\0\0", 4);
}

static void skips_every_call(void)
{
    wire_put_result(&out, get_ready_for_a_call(), WIRE_RESULT_SKIPPED);
}

static void publish_not_allowed(void)
{
    put_publish(get_ready_for_a_call(), "forbidden");
}

static void publish_then_crash(void)
{
    uint64_t call = get_ready_for_a_call();
    put_publish(call, "allowed");
    enter(call, clock_now_ns());
    flush();
    die_by(SIGSEGV);
}

static void publish_before_ready(void)
{
    put_publish(1, "allowed");
}

static void publish_while_idle(void)
{
    say_ready();
    put_publish(1, "allowed");
}

static void ready_twice(void)
{
    say_ready();
    say_ready();
}

static void stopped_unasked(void)
{
    say_ready();
    wire_put_empty(&out, WIRE_STOPPED);
}

static void log_that_is_none(void)
{
    say_ready();
    put_raw(3, WIRE_LOG, 0);
    buffer_append(&out, "abc", 3);
}

static void fails(void)
{
    wire_put_failed(&out, slice_of("no such luck"));
    flush();
    _exit(1);
}

static void fails_then_serves(void)
{
    wire_put_failed(&out, slice_of("no such luck"));
    say_ready();
}

static void fails_late(void)
{
    say_ready();
    wire_put_failed(&out, slice_of("no such luck"));
}

static void never_ready(void)
{
    stay();
}

static void trickle_instead_of_ready(void)
{
    trickle();
}

static void trickle_instead_of_a_result(void)
{
    get_ready_for_a_call();
    trickle();
}

static void hangs(void)
{
    enter(get_ready_for_a_call(), clock_now_ns());
}

static void recorder_names_a_future_call(void)
{
    enter(get_ready_for_a_call() + 1000, clock_now_ns());
}

static void recorder_starts_in_the_future(void)
{
    enter(get_ready_for_a_call(), clock_now_ns() + 3600 * NS_PER_S);
}

static void recorder_moves_on_and_on(void)
{
    uint64_t call = get_ready_for_a_call();
    for (;;) {
        enter(call, clock_now_ns());
        poll(NULL, 0, 1);
    }
}

static void say_errno(const char *what, int result)
{
    char text[64];
    snprintf(text, sizeof text, "%s: %s", what, result == 0 ? "done" : strerrorname_np(errno));
    wire_put_log(&out, 0, 1, slice_of(text));
}

static void tampers_with_the_recorder(void)
{
    uint64_t call = get_ready_for_a_call();
    say_errno("shrink", ftruncate(recorder_fd, 0));
    say_errno("grow", ftruncate(recorder_fd, 1 << 20));
    wire_put_result(&out, call, WIRE_RESULT_OK);
}

static void closes_its_channel(void)
{
    say_ready();
    close(channel);
}

static void closes_instead_of_a_result(void)
{
    enter(get_ready_for_a_call(), clock_now_ns());
    close(channel);
}

static void ignores_stop(void)
{
    say_ready();
    await(WIRE_STOP);
}

static void closes_when_stopped(void)
{
    say_ready();
    await(WIRE_STOP);
    close(channel);
}

static void fails_when_stopped(void)
{
    say_ready();
    await(WIRE_STOP);
    _exit(3);
}

static void floods_its_output(void)
{
    enum { BYTES = 1000000 };
    char *bytes = malloc(BYTES);
    memset(bytes, 'x', BYTES);
    write_log(bytes, BYTES);
    write_log("\nend\r\n", 6);
    wire_put_result(&out, get_ready_for_a_call(), WIRE_RESULT_OK);
}

static void closes_its_output(void)
{
    close(log_pipe);
    wire_put_result(&out, get_ready_for_a_call(), WIRE_RESULT_OK);
}

static void crashes(void)
{
    enter(get_ready_for_a_call(), clock_now_ns());
    die_by(SIGSEGV);
}

static void exits_in_a_call(void)
{
    enter(get_ready_for_a_call(), clock_now_ns());
    _exit(0);
}

static void answers_then_crashes(void)
{
    wire_put_result(&out, get_ready_for_a_call(), WIRE_RESULT_OK);
    flush();
    die_by(SIGABRT);
}

static void talk_until_nobody_listens(void)
{
    while (send(channel, buffer_data(&out), buffer_length(&out), MSG_NOSIGNAL) > 0) {
    }
    _exit(0);
}

/* Children that go on talking on the channel of a worker that is gone. */
static void leaves_talkers(void)
{
    say_ready();
    for (int i = 0; i < 1000; i++)
        wire_put_log(&out, 0, 1, slice_of("boo"));
    for (int i = 0; i < 4; i++) {
        if (fork() == 0)
            talk_until_nobody_listens();
    }
    _exit(5);
}

#define SCRIPT(name)                                                                                         \
    {                                                                                                        \
#name, name                                                                                          \
    }

static const struct script {
    const char *name;
    void (*play)(void);
} scripts[] = {
    SCRIPT(good),
    SCRIPT(oversized_frame),
    SCRIPT(truncated_frame_then_close),
    SCRIPT(truncated_frame_then_exit),
    SCRIPT(half_a_frame),
    SCRIPT(unknown_type),
    SCRIPT(type_zero),
    SCRIPT(frame_of_the_dispatcher),
    SCRIPT(result_for_no_call),
    SCRIPT(result_out_of_turn),
    SCRIPT(result_twice),
    SCRIPT(result_that_is_none),
    SCRIPT(skips_every_call),
    SCRIPT(publish_not_allowed),
    SCRIPT(publish_then_crash),
    SCRIPT(publish_before_ready),
    SCRIPT(publish_while_idle),
    SCRIPT(ready_twice),
    SCRIPT(stopped_unasked),
    SCRIPT(log_that_is_none),
    SCRIPT(fails),
    SCRIPT(fails_then_serves),
    SCRIPT(fails_late),
    SCRIPT(never_ready),
    SCRIPT(trickle_instead_of_ready),
    SCRIPT(trickle_instead_of_a_result),
    SCRIPT(hangs),
    SCRIPT(recorder_names_a_future_call),
    SCRIPT(recorder_starts_in_the_future),
    SCRIPT(recorder_moves_on_and_on),
    SCRIPT(tampers_with_the_recorder),
    SCRIPT(closes_its_channel),
    SCRIPT(closes_instead_of_a_result),
    SCRIPT(ignores_stop),
    SCRIPT(closes_when_stopped),
    SCRIPT(fails_when_stopped),
    SCRIPT(floods_its_output),
    SCRIPT(closes_its_output),
    SCRIPT(crashes),
    SCRIPT(exits_in_a_call),
    SCRIPT(answers_then_crashes),
    SCRIPT(leaves_talkers),
};

static void play(int handler)
{
    char name[64] = {0};
    if (pread(handler, name, sizeof name - 1, 0) < 0)
        _exit(100);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (strcmp(scripts[i].name, name) == 0) {
            scripts[i].play();
            flush();
            stay();
        }
    }
    _exit(101);
}

void fake_worker_main(const int fds[ZYGOTE_FD_COUNT], int handler)
{
    channel = fds[ZYGOTE_FD_CHANNEL];
    recorder_fd = fds[ZYGOTE_FD_RECORDER];
    log_pipe = fds[ZYGOTE_FD_LOG];
    recorder = mmap(NULL, sizeof *recorder, PROT_READ | PROT_WRITE, MAP_SHARED, recorder_fd, 0);
    if (recorder == MAP_FAILED)
        _exit(103);
    play(handler);
    stay();
}
