/* invoke.c: `hark invoke`: one message through a real worker, without a broker. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/host.h"
#include "cli/invoke_message.h"
#include "cli/invoke_print.h"
#include "cli/load.h"
#include "cli/player.h"
#include "shared/log.h"

#include <errno.h>
#include <sysexits.h>

enum { EXIT_RETRY = 1, EXIT_REJECT = 2, EXIT_CRASH = 3, EXIT_TIMEOUT = 4 };

struct invocation {
    struct player player;
    struct play play;
    bool over;
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

static int execute(struct host *h, struct invocation *i)
{
    struct diag diag = {0};
    if (player_play(&i->player, &i->play, &diag) < 0) {
        complain(&diag);
        return EX_SOFTWARE;
    }
    while (!i->over)
        uv_run(&h->loop, UV_RUN_ONCE);
    player_stop(&i->player);
    while (!player_is_down(&i->player))
        uv_run(&h->loop, UV_RUN_ONCE);
    return exit_code(i);
}

static int invoke(const struct revision *r, const struct invoke_message *message, const struct options *o)
{
    struct host host;
    struct invocation i = {.play = {.message = &message->mqtt, .captures = &message->captures, .attempt = 1}};
    int code = host_init(&host, o);
    if (code != 0)
        return code;
    code = host_needs_workers(&host);
    if (code == 0) {
        player_init(&i.player, host.io, r, &events, &i);
        code = execute(&host, &i);
    }
    host_finish(&host);
    if (code == EX_OK)
        invoke_print(&i.play.outbox, &message->mqtt, o->json);
    play_finish(&i.play);
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
    struct invoke_message message;
    int code = invoke_message_init(&message, o, r);
    if (code == 0) {
        code = invoke(r, &message, o);
        invoke_message_finish(&message);
    }
    revision_drop(r);
    return code;
}

const struct command command_invoke = {
    .name = "invoke",
    .arguments = "FUNCTION.yaml or FILE.so",
    .summary = "run one message through a function, without a broker",
    .help = "Runs the function in a worker as 'hark run' would, with one message. What it publishes is "
            "printed on\n"
            "standard output when it succeeds, one line a message: TOPIC PAYLOAD (with --json an object a "
            "line).\n"
            "Its log goes to standard error. A manifest's rules hold: publishes, limits, timeout. A FILE.so "
            "alone\n"
            "takes any topic and may publish anywhere. Where the first trigger is a timer and no option says "
            "anything\n"
            "of a message, it is a tick of that timer.\n\n"
            "Exit codes: 0 ok, 1 retry, 2 reject, 3 crash, 4 timeout, 64 usage, 65 bad manifest or .so (it "
            "does not\n"
            "get ready), or a payload that cannot be read, 70 internal, 77 the seal does not hold.\n",
    .takes = OPTION_FUNCTIONS | OPTION_TOPIC | OPTION_PAYLOAD | OPTION_PAYLOAD_FILE | OPTION_QOS |
             OPTION_RETAINED | OPTION_PROPERTY | OPTION_RESPONSE_TOPIC | OPTION_CORRELATION | OPTION_TIMER |
             OPTIONS_SEAL | OPTION_JSON | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};
