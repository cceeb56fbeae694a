/* channel.c: a hostile worker before the dispatcher's own code: real channel, real log pipe, real flight
 * recorder; only the zygote is played, and the clock. The input says what the worker sends and what the pool
 * does meanwhile.
 *
 * Whatever comes: each call is over once, in turn, or left once; what a call put out is in no other call's
 * outbox; a good answer is taken and a bad one kills; nothing is taken after that; what is logged keeps to
 * its rate; one word says why it ended. Each input is played twice, the second time in small pieces, and must
 * have the same effects. */
#include "channel_model.h"
#include "fuzz.h"

#include "dispatcher/worker_internal.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECES_MAX = 48, TURNS_MAX = 64, BULK_MAX = 8 * 1024 };

struct play {
    const uint8_t *at, *end; /* the rest of the input */
    size_t piece;            /* bytes of a write at most */
    int channel, recorder, log;
    bool in_step; /* only whole frames were sent so far */
    bool dying;   /* the loop does not turn any more before it has exited */
    struct buffer out, heard;
    uint64_t heard_call; /* the last call that reached the worker */
};

static struct play play;
static struct worker_io *io;
static uv_loop_t *loop;
static uint64_t now_ns;

/* ---- the clock, by --wrap, and the zygote ---- */

uint64_t __wrap_clock_now_ns(void);

uint64_t __wrap_clock_now_ns(void)
{
    return now_ns;
}

static int bear(void *user, struct zygote_child *child, const int fds[ZYGOTE_FDS_MAX],
                const struct revision *revision)
{
    (void)user, (void)revision;
    child->id = 1;
    play.channel = fds[ZYGOTE_FD_CHANNEL];
    play.recorder = fds[ZYGOTE_FD_RECORDER];
    play.log = fds[ZYGOTE_FD_LOG];
    return 0;
}

static void end(void *user, struct zygote_child *child)
{
    (void)user, (void)child;
    CHECK(!model.killed);
    model.killed = true;
}

/* ---- the input ---- */

static uint8_t take(void)
{
    return play.at < play.end ? *play.at++ : 0;
}

static struct slice take_bytes(size_t len)
{
    size_t rest = (size_t)(play.end - play.at);
    struct slice bytes = slice_make(play.at, len < rest ? len : rest);
    play.at += bytes.len;
    return bytes;
}

/* Text that is cheap to say at any length: a little of the input, repeated. */
static struct slice take_bulk(size_t len)
{
    static char bulk[BULK_MAX];
    struct slice seed = take_bytes(take() % 4);
    for (size_t i = 0; i < len; i++)
        bulk[i] = seed.len ? seed.data[i % seed.len] : 'x';
    return slice_make(bulk, len);
}

/* The call that it is about: mostly the one whose turn it is. */
static uint64_t take_call(void)
{
    uint8_t how = take();
    uint64_t head = model.over + 1;
    return how < 192 ? head : how < 224 ? head + how % 4 : how < 250 ? how % 3 : UINT64_MAX;
}

/* ---- the worker's hands ---- */

static bool pending(void)
{
    int channel = 0, log = 0;
    if (model.ended)
        return false;
    ioctl(model.w->channel, FIONREAD, &channel);
    ioctl(model.w->log, FIONREAD, &log);
    return (channel && uv_is_active((uv_handle_t *)&model.w->channel_poll)) ||
           (log && uv_is_active((uv_handle_t *)&model.w->log_poll));
}

static void turn(void)
{
    int turns = 0;
    if (play.dying)
        return;
    do
        uv_run(loop, UV_RUN_NOWAIT);
    while (pending() && ++turns < TURNS_MAX);
    CHECK(turns < TURNS_MAX);
}

static void send_all(int fd, struct slice bytes, bool is_socket)
{
    size_t piece = bytes.len / PIECES_MAX + 1 > play.piece ? bytes.len / PIECES_MAX + 1 : play.piece;
    while (bytes.len && fd >= 0 && !model.ended) {
        size_t part = bytes.len < piece ? bytes.len : piece;
        ssize_t sent =
            is_socket ? send(fd, bytes.data, part, MSG_NOSIGNAL | MSG_DONTWAIT) : write(fd, bytes.data, part);
        CHECK(sent > 0);
        bytes = slice_make(bytes.data + sent, bytes.len - (size_t)sent);
        turn();
    }
}

static void flush(void)
{
    send_all(play.channel, slice_make(buffer_data(&play.out), buffer_length(&play.out)), true);
    buffer_clear(&play.out);
}

static void send_raw(void)
{
    struct slice bytes = take_bytes(take());
    play.in_step = play.in_step && !bytes.len;
    buffer_append(&play.out, bytes.data, bytes.len);
    flush();
}

/* A header that may lie about what follows. */
static void send_header(void)
{
    uint8_t low = take(), high = take();
    struct wire_header header = {
        .length = low | (uint32_t)high << 13, .type = take() % 16, .call = take_call()};
    struct slice bytes = take_bytes(take());
    play.in_step = play.in_step && header.length == bytes.len;
    buffer_append(&play.out, &header, sizeof header);
    buffer_append(&play.out, bytes.data, bytes.len);
    flush();
}

static bool is_heard(void)
{
    return play.in_step && !play.dying && play.channel >= 0 && !model.killed && !model.ended;
}

static void send_result(void)
{
    uint32_t result = take() % 5;
    uint64_t call = take_call();
    bool heard = is_heard(), right = model_may_answer(call, result);
    size_t over = model.over;
    wire_put_result(&play.out, call, (enum wire_result)result);
    flush();
    if (heard)
        CHECK(right ? model.over == over + 1 : model.over == over && model.killed);
}

static void send_publish(void)
{
    static const char *const topics[] = {"allowed", "to/x", "forbidden", "to/+", ""};
    uint8_t how = take();
    struct property property = {slice_of("key"), take_bytes(how >> 6)};
    struct slice topic = how & 8 ? slice_of(topics[take() % 5]) : slice_of("allowed");
    struct wire_message message = {.topic = how & 16 ? take_bytes(3) : topic,
                                   .qos = how % 3,
                                   .retained = how & 4,
                                   .properties = &property,
                                   .property_count = how >> 5 & 1};
    uint64_t call = take_call();
    message.payload = take_bulk((size_t)take() * 5);
    wire_put_publish(&play.out, call, &message);
    flush();
}

static void send_reply(void)
{
    uint64_t call = take_call();
    wire_put_reply(&play.out, call, take_bulk((size_t)take() * 5));
    flush();
}

static void send_log(void)
{
    uint32_t level = take() % 5;
    wire_put_log(&play.out, take_call(), level, take_bulk((size_t)take() * 16));
    flush();
}

static void send_failed(void)
{
    wire_put_failed(&play.out, take_bytes(take()));
    flush();
}

static void send_ready(void)
{
    bool heard = is_heard(), right = model.w->state == WS_STARTING && !model.w->has_cause;
    wire_put_empty(&play.out, WIRE_READY);
    flush();
    if (heard)
        CHECK(right ? model.ready : model.killed);
}

static void send_stopped(void)
{
    wire_put_empty(&play.out, WIRE_STOPPED);
    flush();
}

static void print(void)
{
    bool with_end = take() & 1;
    send_all(play.log, take_bulk((size_t)take() * 32), false);
    if (with_end)
        send_all(play.log, slice_of("\r\n"), false);
}

static void store(void)
{
    uint8_t when = take();
    struct wire_recorder words = {.call = take_call(),
                                  .start_ns = when < 128   ? now_ns - when * NS_PER_MS
                                              : when < 192 ? now_ns + when * NS_PER_S
                                              : when % 2   ? UINT64_MAX
                                                           : 0};
    CHECK(pwrite(play.recorder, &words, sizeof words, 0) == sizeof words);
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    turn();
}

/* Reads what the dispatcher sent: its own frames are whole, and calls come in order. */
static void listen_to_it(void)
{
    uint8_t bytes[4096];
    struct wire_header header;
    struct slice body;
    if (play.channel < 0)
        return;
    ssize_t got = recv(play.channel, bytes, sizeof bytes, MSG_DONTWAIT);
    buffer_append(&play.heard, bytes, got > 0 ? (size_t)got : 0);
    while (wire_next(buffer_data(&play.heard), buffer_length(&play.heard), BULK_MAX, &header, &body) == 1) {
        CHECK(header.type >= WIRE_SETUP && header.type <= WIRE_STOP);
        if (header.type == WIRE_INVOKE)
            CHECK(header.call == ++play.heard_call && header.call <= model.sent);
        buffer_consume(&play.heard, WIRE_HEADER_BYTES + body.len);
    }
    turn();
}

/* What nobody has read when it is gone. */
static void say_last_words(void)
{
    static void (*const words[])(void) = {send_result, send_publish, print,      send_header,
                                          send_log,    send_ready,   send_reply, send_raw};
    play.dying = true;
    for (int i = take() % 5; i > 0; i--)
        words[take() % (sizeof words / sizeof *words)]();
}

static void end_process(void)
{
    uint8_t how = take();
    struct zygote_child *child = &model.w->child;
    say_last_words();
    shut(&play.channel);
    shut(&play.log);
    model.exiting = true;
    child->exited(child, how < 200 ? W_EXITCODE(how % 4, 0) : how < 250 ? W_EXITCODE(0, how % 32) : -how);
    CHECK(model.ended);
}

/* ---- the dispatcher's side ---- */

static void pass_time(void)
{
    now_ns += take() * 8 * NS_PER_MS;
    uv_timer_t *timer = &model.w->timer;
    if (uv_is_active((uv_handle_t *)timer) && model.w->timer_at_ns <= now_ns) {
        uv_timer_stop(timer);
        timer->timer_cb(timer);
    }
    turn();
}

static void stop_it(void)
{
    worker_stop(model.w);
    turn();
}

static void kill_it(void)
{
    worker_kill(model.w);
    turn();
}

static void call_it(void)
{
    model_call(take());
    turn();
}

static void close_channel(void)
{
    shut(&play.channel);
}

static void close_log(void)
{
    shut(&play.log);
}

static void (*const acts[])(void) = {
    send_result, call_it,   send_ready,    send_publish, send_result,  call_it, send_log,  print,
    send_reply,  store,     pass_time,     listen_to_it, send_header,  stop_it, send_raw,  send_failed,
    kill_it,     close_log, close_channel, send_stopped, send_publish, call_it, pass_time, end_process,
};

static void open_once(void)
{
    static uv_loop_t the_loop;
    if (loop)
        return;
    loop = &the_loop;
    CHECK(uv_loop_init(loop) == 0);
    static const struct worker_births births = {.bear = bear, .kill = end};
    io = worker_io_create(loop, NULL);
    CHECK(io);
    worker_io_use_births(io, &births, NULL);
}

/* What became of it, in one number. */
static uint64_t play_once(const uint8_t *data, size_t size, size_t piece)
{
    play = (struct play){.at = data, .end = data + size, .piece = piece, .in_step = true};
    now_ns = 1000 * NS_PER_S;
    model_open(io, take());
    while (play.at < play.end && !model.ended)
        acts[take() % (sizeof acts / sizeof *acts)]();
    if (!model.ended)
        end_process();
    while (!TAILQ_EMPTY(&io->all))
        uv_run(loop, UV_RUN_NOWAIT);
    close(play.recorder);
    buffer_finish(&play.out);
    buffer_finish(&play.heard);
    return model_close();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    open_once();
    uint64_t whole = play_once(data + 1, size - 1, SIZE_MAX);
    CHECK(play_once(data + 1, size - 1, data[0] % 32 + 1) == whole);
    return 0;
}
