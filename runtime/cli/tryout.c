#include "cli/tryout.h"

#include "cli/complain.h"
#include "cli/invoke_print.h"
#include "cli/load.h"
#include "shared/log.h"

#include <errno.h>
#include <sysexits.h>

enum { EXIT_RETRY = 1, EXIT_REJECT = 2, EXIT_CRASH = 3, EXIT_TIMEOUT = 4 };

static void on_over(void *user, struct play *play)
{
    struct tryout *t = user;
    (void)play;
    t->over = true;
}

static void on_log(void *user, struct play *play, const struct worker *w, int level, struct slice text)
{
    (void)user, (void)play;
    load_log(w, level, text);
}

static void on_lost(void *user, const char *text)
{
    struct tryout *t = user;
    log_warn("%s: %s the message: %s", t->player.revision->manifest->function, t->over ? "after" : "before",
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

/* Whatever the function did, gdb told; and who leaves it kills the worker. */
static bool is_cut_short(const struct tryout *t)
{
    return t->unsealed.cut_short &&
           (t->play.outcome == PLAY_CRASH || (t->play.outcome == PLAY_NOT_READY && t->play.said_nothing));
}

static int exit_code(const struct tryout *t)
{
    const struct revision *r = t->player.revision;
    if (is_cut_short(t)) {
        log_error("%s: gdb ended before the function %s", r->manifest->function,
                  t->play.outcome == PLAY_CRASH ? "had answered" : "was ready");
        return EXIT_CRASH;
    }
    switch (t->play.outcome) {
    case PLAY_OK:
        return EX_OK;
    case PLAY_RETRY:
        log_info("%s: asked for a retry", r->manifest->function);
        return EXIT_RETRY;
    case PLAY_REJECT:
        log_info("%s: rejected the message: it would become a dead letter", r->manifest->function);
        return EXIT_REJECT;
    case PLAY_CRASH:
        say_why(r, t->play.text);
        return EXIT_CRASH;
    case PLAY_TIMEOUT:
        say_why(r, t->play.text);
        return EXIT_TIMEOUT;
    case PLAY_NOT_READY:
        say_why(r, t->play.text);
        return EX_DATAERR;
    case PLAY_NO_WORKER:
        break;
    }
    say_why(r, t->play.text);
    return EX_SOFTWARE;
}

int tryout_play(struct tryout *t, const struct mqtt_message *message, const struct topic_captures *captures)
{
    struct diag diag = {0};
    t->play = (struct play){.message = message, .captures = captures, .attempt = 1};
    t->over = false;
    if (player_play(&t->player, &t->play, &diag) < 0) {
        complain(&diag);
        t->hopeless = true;
        return EX_SOFTWARE;
    }
    while (!t->over)
        uv_run(&t->host.loop, UV_RUN_ONCE);
    t->hopeless =
        t->play.outcome == PLAY_NOT_READY || t->play.outcome == PLAY_NO_WORKER || t->unsealed.cut_short;
    int code = exit_code(t);
    if (code == EX_OK)
        invoke_print(&t->play.outbox, message, t->options->json);
    if (t->options->stats)
        invoke_stats_add(&t->stats, t->player.revision->manifest->function, &t->play, t->options->json);
    play_finish(&t->play);
    return code;
}

static int init_host(struct tryout *t)
{
    bool is_unsealed = unsealed_is_wanted(t->options);
    int code = is_unsealed ? host_init_unsealed(&t->host) : host_init(&t->host, t->options);
    if (code != 0)
        return code;
    code = host_needs_workers(&t->host);
    if (code == 0 && is_unsealed)
        unsealed_use(&t->unsealed, &t->host.loop, t->host.io);
    if (code != 0)
        host_finish(&t->host);
    return code;
}

static int init(struct tryout *t)
{
    int code = unsealed_init(&t->unsealed, t->options, t->revision);
    if (code == 0)
        code = init_host(t);
    if (code == 0)
        player_init(&t->player, t->host.io, t->revision, &events, t);
    else
        unsealed_finish(&t->unsealed);
    return code;
}

int tryout_open(struct tryout *t, const char *path, const struct options *o)
{
    struct diags diags = {0};
    *t = (struct tryout){.options = o};
    int error = load_revision(path, o->functions, &t->revision, &diags);
    complain_all(&diags);
    diags_finish(&diags);
    if (error < 0)
        return EX_DATAERR;
    int code = init(t);
    if (code != 0)
        revision_drop(t->revision);
    return code;
}

int tryout_close(struct tryout *t, int code)
{
    t->unsealed.stopping = true;
    player_stop(&t->player);
    while (!player_is_down(&t->player))
        uv_run(&t->host.loop, UV_RUN_ONCE);
    if (t->unsealed.found) {
        log_error("%s: faults were found, as told above", t->revision->manifest->function);
        code = code == EX_OK ? EXIT_CRASH : code;
    }
    invoke_stats_finish(&t->stats, t->options->json);
    host_finish(&t->host);
    unsealed_finish(&t->unsealed);
    revision_drop(t->revision);
    return code;
}
