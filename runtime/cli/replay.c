/* replay.c: `hark replay`: a recording once more, to the broker, or to a function (replay_function.c). */
#include "cli/commands.h"
#include "cli/message_json.h"
#include "cli/message_lines.h"
#include "cli/peer.h"
#include "cli/replay_function.h"
#include "mqtt/packet.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { UNDER_WAY_MAX = 64 };

struct replay {
    const struct options *options;
    struct peer peer;
    struct message_lines lines;
    struct pace pace;
    uv_timer_t timer;
    uv_poll_t input; /* a pipe or a terminal; a file never keeps anybody waiting */
    bool has_input;
    bool has_next; /* lines.parsed is still to be published */
    bool at_end;
    uint64_t due_ns; /* of the next */
    size_t under_way, published, refused, skipped;
};

/* ---- the next message ---- */

static void on_input(uv_poll_t *input, int status, int events);

/* Reads on to the next message, and when it is due; or waits for it in the loop, which has more to do. */
static void fetch(struct replay *r)
{
    enum message_line kind;
    while (!r->has_next && !r->at_end) {
        if (!message_lines_ready(&r->lines) && r->has_input) {
            uv_poll_start(&r->input, UV_READABLE, on_input);
            return;
        }
        kind = message_lines_next(&r->lines);
        r->at_end = kind == LINE_END;
        r->has_next = kind == LINE_MESSAGE && !r->lines.parsed.timer;
        r->skipped += !r->has_next && !r->at_end;
        if (kind == LINE_MESSAGE && r->lines.parsed.timer)
            log_warn("%s:%zu: a tick of a timer cannot be published", r->lines.name, r->lines.number);
    }
    if (r->has_next)
        r->due_ns = message_lines_due_ns(&r->lines, &r->pace);
}

static int publish(struct replay *r)
{
    const struct mqtt_publish publish = message_as_publish(&r->lines.parsed.mqtt);
    if (!packet_publish_plain(&publish))
        return -EILSEQ;
    return mqtt_client_publish(r->peer.client, &publish, r);
}

/* ---- in time ---- */

static void finish(struct replay *r)
{
    peer_close(&r->peer, r->refused ? EX_NOPERM : r->skipped ? EX_DATAERR : 0);
}

static void on_due(uv_timer_t *timer);

/* Publishes what is due, and waits for what is not. */
static void go_on(struct replay *r)
{
    if (r->peer.closing)
        return;
    uint64_t now_ns = clock_now_ns();
    size_t burst = 0; /* what nobody answers is to leave before more of it is read */
    while (r->has_next && r->peer.is_online && r->under_way < UNDER_WAY_MAX && r->due_ns <= now_ns &&
           burst++ < UNDER_WAY_MAX) {
        int error = publish(r);
        if (error < 0) {
            log_error("%s:%zu: cannot be published: %s", r->lines.name, r->lines.number,
                      error == -EILSEQ ? "a control character, for which brokers end the connection"
                                       : strerror(-error));
            r->refused++;
        } else if (r->lines.parsed.mqtt.qos == 0) {
            r->published++; /* nobody answers it */
        } else {
            r->under_way++;
        }
        r->has_next = false;
        fetch(r);
    }
    if (r->at_end && r->under_way == 0)
        finish(r);
    else if (r->has_next && r->peer.is_online && r->under_way < UNDER_WAY_MAX)
        uv_timer_start(&r->timer, on_due, r->due_ns > now_ns ? (r->due_ns - now_ns) / NS_PER_MS + 1 : 0, 0);
}

static void on_due(uv_timer_t *timer)
{
    go_on(timer->data);
}

static void on_input(uv_poll_t *input, int status, int events)
{
    struct replay *r = input->data;
    (void)status, (void)events; /* what is wrong with it, reading tells */
    uv_poll_stop(input);
    fetch(r);
    go_on(r);
}

static void on_online(void *user, struct peer *p)
{
    (void)p;
    go_on(user);
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct replay *r = user;
    (void)token;
    r->under_way--;
    if (reason >= 0x80) {
        r->refused++;
        log_error("the broker did not take a message: %s (0x%02x)",
                  reason < 0x100 ? packet_reason_name((uint8_t)reason) : "it is too large", reason);
    } else {
        r->published++;
    }
    go_on(r);
}

static void on_message(void *user, const struct mqtt_message *m)
{
    (void)user, (void)m; /* it has no subscription */
}

static void on_subscribed(void *user, struct peer *p, unsigned reason)
{
    (void)user, (void)p, (void)reason;
}

static void on_closing(void *user)
{
    struct replay *r = user;
    uv_close((uv_handle_t *)&r->timer, NULL);
    if (r->has_input)
        uv_close((uv_handle_t *)&r->input, NULL);
}

static const struct peer_events events = {.online = on_online,
                                          .message = on_message,
                                          .published = on_published,
                                          .subscribed = on_subscribed,
                                          .closing = on_closing};

/* ---- the whole ---- */

/* libuv makes reading non-blocking, also for those who share the pipe or the terminal. */
static void give_input_back(const struct replay *r, int flags)
{
    if (flags >= 0 && fcntl(r->lines.fd, F_SETFL, flags) < 0)
        log_debug("%s: stays non-blocking: %s", r->lines.name, strerror(errno));
}

static int play(struct replay *r, struct options *o)
{
    int code = peer_open(&r->peer, o, "replay", &events, r);
    if (code != 0)
        return code;
    uv_timer_init(&r->peer.loop, &r->timer);
    int flags = fcntl(r->lines.fd, F_GETFL);
    r->has_input = uv_poll_init(&r->peer.loop, &r->input, r->lines.fd) == 0; /* not of a file */
    r->timer.data = r->input.data = r;
    fetch(r);
    code = peer_run(&r->peer);
    give_input_back(r, flags);
    log_info("%zu message%s published", r->published, r->published == 1 ? "" : "s");
    return code;
}

enum {
    OF_BROKER = OPTION_BROKER | OPTION_CA_FILE | OPTION_CONFIG | OPTION_NODE,
    OF_FUNCTION = OPTION_FUNCTIONS | OPTION_JSON | OPTION_STATS | OPTIONS_SEAL
};

static int check(const struct options *o)
{
    if (o->argument_count == 0)
        log_error("no recording given: see 'hark replay --help'");
    else if (o->argument_count > 1 && (o->given & OF_BROKER))
        log_error(
            "a function is played to without a broker: leave out --broker, --ca-file, --config and --node");
    else if (o->argument_count == 1 && (o->given & OF_FUNCTION))
        log_error(
            "--functions, --json, --stats, --user and --insecure are about a function, and none is given: "
            "see 'hark replay --help'");
    else
        return 0;
    return EX_USAGE;
}

static int run(struct options *o)
{
    struct replay r = {.options = o, .pace = {.speed = o->speed}};
    if (check(o) != 0)
        return EX_USAGE;
    int error = message_lines_open(&r.lines, o->arguments[0]);
    if (error < 0) {
        log_error("%s: cannot be read: %s", o->arguments[0], strerror(-error));
        return EX_DATAERR;
    }
    int code = o->argument_count > 1 ? replay_to_function(&r.lines, o->arguments[1], o) : play(&r, o);
    message_lines_finish(&r.lines);
    return code;
}

const struct command command_replay = {
    .name = "replay",
    .arguments = "FILE [FUNCTION.yaml or FILE.so]",
    .summary = "publish what hark record wrote, at its pace or another, or play it to a function",
    .help =
        "Publishes each message of FILE (a line each, as 'hark record' writes them; - for standard\n"
        "input) to the broker, with its topic, payload, quality of service and properties; what was "
        "retained\n"
        "is retained again. The pauses are those of the recording, --speed 10 makes them ten times shorter,\n"
        "--speed max leaves them out.\n\n"
        "With a function there is no broker: each message that triggers it is played to it, as by hark\n"
        "invoke, one after the other to one warm worker, and what it publishes is printed; the others are\n"
        "passed by, and counted. An interrupt ends it after the message that runs.\n\n"
        "Exit codes: 0 done, 64 usage, 65 a line that is no message (the others are published), 69 no "
        "broker,\n"
        "70 internal, 77 the broker did not take a message, or not permitted. With a function those of hark\n"
        "invoke, for the first message that did not end well.\n",
    .examples = "A day in a quarter of an hour:\n"
                "  hark replay --speed 96 day.jsonl\n"
                "\n"
                "To a function, without a broker, as fast as it goes:\n"
                "  hark replay day.jsonl thermostat.yaml --speed max --stats\n",
    .takes = OPTION_SPEED | OPTION_BROKER | OPTION_CA_FILE | OPTION_CONFIG | OPTION_NODE | OPTION_FUNCTIONS |
             OPTION_JSON | OPTION_STATS | OPTIONS_SEAL | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 2,
    .run = run,
};
