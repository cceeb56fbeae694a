/* invoke.c: `hark invoke`: one message through a real worker, without a broker. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/host.h"
#include "cli/invoke_message.h"
#include "cli/invoke_print.h"
#include "cli/invoke_stats.h"
#include "cli/load.h"
#include "cli/message_lines.h"
#include "cli/player.h"
#include "shared/log.h"

#include <errno.h>
#include <sysexits.h>

enum { EXIT_RETRY = 1, EXIT_REJECT = 2, EXIT_CRASH = 3, EXIT_TIMEOUT = 4 };

struct invocation {
    const struct options *options;
    struct host host;
    struct player player;
    struct play play; /* the one of now, or the last */
    bool over;
    bool hopeless; /* the function does not get ready: nor will it for the next message */
    struct invoke_stats stats;
};

static void on_over(void *user, struct play *play)
{
    struct invocation *i = user;
    (void)play;
    i->over = true;
}

static void on_log(void *user, struct play *play, const struct worker *w, int level, struct slice text)
{
    (void)user, (void)play;
    load_log(w, level, text);
}

static void on_lost(void *user, const char *text)
{
    struct invocation *i = user;
    log_warn("%s: %s the message: %s", i->player.revision->manifest->function, i->over ? "after" : "before",
             text);
}

static const struct player_events events = {.over = on_over, .log = on_log, .lost = on_lost};

static void say_why(const struct revision *r, const char *text)
{
    struct diag diag;
    revision_place(r, text, &diag);
    if (diag.line > 0)
        complain(&diag);
    else
        log_error("%s: %s", r->manifest->function, text);
}

static int exit_code(const struct invocation *i)
{
    const struct revision *r = i->player.revision;
    switch (i->play.outcome) {
    case PLAY_OK:
        return EX_OK;
    case PLAY_RETRY:
        log_info("%s: asked for a retry", r->manifest->function);
        return EXIT_RETRY;
    case PLAY_REJECT:
        log_info("%s: rejected the message: it would become a dead letter", r->manifest->function);
        return EXIT_REJECT;
    case PLAY_CRASH:
        say_why(r, i->play.text);
        return EXIT_CRASH;
    case PLAY_TIMEOUT:
        say_why(r, i->play.text);
        return EXIT_TIMEOUT;
    case PLAY_NOT_READY:
        say_why(r, i->play.text);
        return EX_DATAERR;
    case PLAY_NO_WORKER:
        break;
    }
    say_why(r, i->play.text);
    return EX_SOFTWARE;
}

static int play(struct invocation *i, const struct mqtt_message *message,
                const struct topic_captures *captures)
{
    struct diag diag = {0};
    i->play = (struct play){.message = message, .captures = captures, .attempt = 1};
    i->over = false;
    if (player_play(&i->player, &i->play, &diag) < 0) {
        complain(&diag);
        i->hopeless = true;
        return EX_SOFTWARE;
    }
    while (!i->over)
        uv_run(&i->host.loop, UV_RUN_ONCE);
    i->hopeless = i->play.outcome == PLAY_NOT_READY || i->play.outcome == PLAY_NO_WORKER;
    int code = exit_code(i);
    if (code == EX_OK)
        invoke_print(&i->play.outbox, message, i->options->json);
    if (i->options->stats)
        invoke_stats_add(&i->stats, i->player.revision->manifest->function, &i->play, i->options->json);
    play_finish(&i->play);
    return code;
}

/* The first code that is not 0: what calls it asks whether all went well. */
static int play_often(struct invocation *i, const struct mqtt_message *message,
                      const struct topic_captures *captures)
{
    int first = EX_OK;
    for (uint32_t n = 0; n < i->options->repeat && !i->hopeless; n++) {
        int code = play(i, message, captures);
        first = first == EX_OK ? code : first;
    }
    return first;
}

static int play_lines(struct invocation *i, struct message_lines *lines)
{
    const struct manifest *m = i->player.revision->manifest;
    enum message_line kind;
    int first = EX_OK;
    while (!i->hopeless && (kind = message_lines_next_for(lines, m)) != LINE_END) {
        int code =
            kind == LINE_BAD ? EX_DATAERR : play_often(i, &lines->aimed.message, &lines->aimed.captures);
        first = first == EX_OK ? code : first;
    }
    message_lines_finish(lines);
    return first;
}

static int play_given(struct invocation *i, const struct revision *r)
{
    struct invoke_message message;
    int code = invoke_message_init(&message, i->options, r);
    if (code != 0)
        return code;
    code = play_often(i, &message.mqtt, &message.captures);
    invoke_message_finish(&message);
    return code;
}

static int play_all(struct invocation *i, const struct revision *r)
{
    struct message_lines lines;
    bool is_described = i->options->given & (OPTIONS_MESSAGE | OPTION_TIMER);
    player_init(&i->player, i->host.io, r, &events, i);
    int code = !is_described && message_lines_piped(&lines) ? play_lines(i, &lines) : play_given(i, r);
    player_stop(&i->player);
    while (!player_is_down(&i->player))
        uv_run(&i->host.loop, UV_RUN_ONCE);
    invoke_stats_finish(&i->stats, i->options->json);
    return code;
}

static int invoke(const struct revision *r, const struct options *o)
{
    struct invocation i = {.options = o};
    int code = host_init(&i.host, o);
    if (code != 0)
        return code;
    code = host_needs_workers(&i.host);
    if (code == 0)
        code = play_all(&i, r);
    host_finish(&i.host);
    return code;
}

static int run(struct options *o)
{
    struct diags diags = {0};
    struct revision *r;
    if (o->argument_count == 0) {
        log_error("no function given: see 'hark invoke --help'");
        return EX_USAGE;
    }
    int error = load_revision(o->arguments[0], o->functions, &r, &diags);
    complain_all(&diags);
    diags_finish(&diags);
    if (error < 0)
        return EX_DATAERR;
    int code = invoke(r, o);
    revision_drop(r);
    return code;
}

const struct command command_invoke = {
    .name = "invoke",
    .arguments = "FUNCTION.yaml or FILE.so",
    .summary = "run messages through a function, without a broker",
    .help =
        "Runs the function in a worker as 'hark run' would, with one message. What it publishes is printed "
        "on\n"
        "standard output when it succeeds, one line a message: TOPIC PAYLOAD (with --json an object a "
        "line).\n"
        "Its log goes to standard error. A manifest's rules hold: publishes, limits, timeout. A FILE.so "
        "alone\n"
        "takes any topic and may publish anywhere. Where the first trigger is a timer and no option says\n"
        "anything of a message, it is a tick of that timer.\n\n"
        "Where no option says anything of a message and standard input is a pipe or a file, each line of it\n"
        "is a message: '[TOPIC] PAYLOAD', or an object of JSON with the keys that --json prints. All go to "
        "one\n"
        "worker, as long as it lives.\n\n"
        "Exit codes: 0 ok, 1 retry, 2 reject, 3 crash, 4 timeout, 64 usage, 65 bad manifest or .so (it does\n"
        "not get ready), or a payload or a line that cannot be read, 70 internal, 77 the seal does not "
        "hold.\n"
        "Of several messages it is the code of the first that did not end well.\n",
    .examples = "One message:\n"
                "  hark invoke thermostat.yaml --topic home/kitchen/temperature --payload 18\n"
                "\n"
                "Several, from a pipe:\n"
                "  echo '[home/kitchen/temperature] 18' | hark invoke thermostat.yaml --stats\n",
    .takes = OPTION_FUNCTIONS | OPTION_TOPIC | OPTION_PAYLOAD | OPTION_PAYLOAD_FILE | OPTION_QOS |
             OPTION_RETAINED | OPTION_PROPERTY | OPTION_RESPONSE_TOPIC | OPTION_CORRELATION | OPTION_TIMER |
             OPTION_REPEAT | OPTION_STATS | OPTIONS_SEAL | OPTION_JSON | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};
