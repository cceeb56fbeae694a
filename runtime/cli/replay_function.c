#include "cli/replay_function.h"

#include "cli/tryout.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sysexits.h>

struct replay {
    struct tryout tryout;
    struct message_lines *lines;
    struct pace pace;
    uv_signal_t interrupt, terminate;
    uv_timer_t timer;
    uv_poll_t input; /* a pipe or a terminal; a file never keeps anybody waiting */
    bool has_input;
    bool is_over; /* by a signal */
    bool woken;
    size_t played, passed_by;
    int code; /* the first that is not 0 */
};

/* ---- waiting ---- */

/* The second one ends hark as if there were nobody to hear it. */
static void on_signal(uv_signal_t *signal, int number)
{
    struct replay *r = signal->data;
    (void)number;
    uv_signal_stop(signal);
    r->is_over = true;
}

static void on_timer(uv_timer_t *timer)
{
    struct replay *r = timer->data;
    r->woken = true;
}

static void on_input(uv_poll_t *input, int status, int events)
{
    struct replay *r = input->data;
    (void)status, (void)events; /* what is wrong with it, reading tells */
    uv_poll_stop(input);
    r->woken = true;
}

static void sleep_until_woken(struct replay *r)
{
    r->woken = false;
    while (!r->woken && !r->is_over)
        uv_run(&r->tryout.host.loop, UV_RUN_ONCE);
}

static void await_line(struct replay *r)
{
    while (r->has_input && !r->is_over && !message_lines_ready(r->lines)) {
        uv_poll_start(&r->input, UV_READABLE, on_input);
        sleep_until_woken(r);
    }
}

static void await_moment(struct replay *r, uint64_t due_ns)
{
    uint64_t now_ns;
    while (!r->is_over && (now_ns = clock_now_ns()) < due_ns) {
        uv_update_time(&r->tryout.host.loop);
        uv_timer_start(&r->timer, on_timer, (due_ns - now_ns) / NS_PER_MS + 1, 0);
        sleep_until_woken(r);
    }
}

/* ---- playing ---- */

static void take_code(struct replay *r, int code)
{
    r->code = r->code ? r->code : code;
}

static void play_when_due(struct replay *r, const struct aimed *aimed)
{
    await_moment(r, message_lines_due_ns(r->lines, &r->pace));
    if (r->is_over)
        return;
    r->played++;
    take_code(r, tryout_play(&r->tryout, &aimed->message, &aimed->captures));
}

static void take_message(struct replay *r)
{
    struct aimed aimed;
    struct diag diag;
    int error = aim_parsed(r->tryout.revision->manifest, &r->lines->parsed, &aimed, &diag);
    if (error == 0) {
        play_when_due(r, &aimed);
    } else if (error == -ENOENT) {
        r->passed_by++;
    } else {
        log_error("%s:%zu: %s", r->lines->name, r->lines->number, diag.text);
        take_code(r, EX_DATAERR);
    }
}

static void play_all(struct replay *r)
{
    for (;;) {
        await_line(r);
        if (r->is_over || r->tryout.hopeless)
            return;
        enum message_line kind = message_lines_next(r->lines);
        if (kind == LINE_END)
            return;
        if (kind == LINE_MESSAGE)
            take_message(r);
        else
            take_code(r, EX_DATAERR);
    }
}

/* ---- the whole ---- */

static void listen_to_signals(struct replay *r)
{
    uv_signal_init(&r->tryout.host.loop, &r->interrupt);
    uv_signal_init(&r->tryout.host.loop, &r->terminate);
    r->interrupt.data = r->terminate.data = r;
    uv_signal_start(&r->interrupt, on_signal, SIGINT);
    uv_signal_start(&r->terminate, on_signal, SIGTERM);
}

static void close_handles(struct replay *r)
{
    uv_close((uv_handle_t *)&r->interrupt, NULL);
    uv_close((uv_handle_t *)&r->terminate, NULL);
    uv_close((uv_handle_t *)&r->timer, NULL);
    if (r->has_input)
        uv_close((uv_handle_t *)&r->input, NULL);
}

static void say_count(const struct replay *r)
{
    const char *function = r->tryout.revision->manifest->function;
    log_info("%zu message%s played", r->played, r->played == 1 ? "" : "s");
    if (r->passed_by > 0)
        log_info("%zu passed by: nothing of it triggers %s", r->passed_by, function);
}

int replay_to_function(struct message_lines *lines, const char *function, const struct options *o)
{
    struct replay r = {.lines = lines, .pace = {.speed = o->speed}};
    int code = tryout_open(&r.tryout, function, o), flags = fcntl(lines->fd, F_GETFL);
    if (code != 0)
        return code;
    listen_to_signals(&r);
    uv_timer_init(&r.tryout.host.loop, &r.timer);
    r.has_input = uv_poll_init(&r.tryout.host.loop, &r.input, lines->fd) == 0;
    r.timer.data = r.input.data = &r;
    play_all(&r);
    say_count(&r);
    close_handles(&r);
    code = tryout_close(&r.tryout, r.code);
    if (flags >= 0) /* libuv made it non-blocking, also for those who share it */
        (void)fcntl(lines->fd, F_SETFL, flags);
    return code;
}
