/* diff.c: `hark diff`: a recording to two versions of a function, and where they do not do the same. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/host.h"
#include "cli/load.h"
#include "cli/message_lines.h"
#include "cli/player.h"
#include "cli/show.h"
#include "shared/log.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { OLD, NEW, SIDES };
enum { LAST_LINES = 8, LAST_LINE_MAX = 500 /* bytes; what is longer is cut */ };

struct last_line {
    int level;
    char text[LAST_LINE_MAX];
};

/* One of the two versions. */
struct side {
    const char *path;
    struct revision *revision;
    struct player player;
    struct aimed aimed;
    int unfit; /* 0, or why it is not given the message: as aim_parsed has it */
    struct play play;
    bool over;
    struct last_line last_lines[LAST_LINES]; /* a ring: what the function logged since its latest message */
    size_t line_count;                       /* all of them */
};

struct diff {
    struct host host;
    struct side sides[SIDES];
    size_t messages, different;
    size_t passed_by; /* messages that go to neither */
    size_t bad;       /* lines */
    bool hopeless;    /* one of them does not get ready */
};

/* ---- playing ---- */

static void on_over(void *user, struct play *play)
{
    struct side *side = user;
    (void)play;
    side->over = true;
}

/* What two versions log is not compared; but it may be all there is to say why one does not start. */
static void on_log(void *user, struct play *play, const struct worker *w, int level, struct slice text)
{
    struct side *side = user;
    struct last_line *line = &side->last_lines[side->line_count++ % LAST_LINES];
    (void)play, (void)w;
    line->level = level;
    snprintf(line->text, sizeof line->text, "%.*s", SLICE_ARG(text));
}

static void on_lost(void *user, const char *text)
{
    const struct side *side = user;
    log_warn("%s: between two messages: %s", side->path, text);
}

static const struct player_events events = {.over = on_over, .log = on_log, .lost = on_lost};

/* As that side's own manifest has it. 0, or the exit code, logged. */
static int start(struct side *side, const struct message_lines *lines)
{
    struct diag diag = {0};
    side->play =
        (struct play){.message = &side->aimed.message, .captures = &side->aimed.captures, .attempt = 1};
    side->unfit = aim_parsed(side->revision->manifest, &lines->parsed, &side->aimed, &diag);
    side->over = side->unfit != 0;
    side->line_count = 0;
    if (side->over || player_play(&side->player, &side->play, &diag) == 0)
        return 0;
    complain(&diag);
    return EX_SOFTWARE;
}

static int play(struct diff *d, const struct message_lines *lines)
{
    for (int i = 0; i < SIDES; i++) {
        int code = start(&d->sides[i], lines);
        while (code == 0 && !d->sides[i].over)
            uv_run(&d->host.loop, UV_RUN_ONCE);
        if (code != 0)
            return code;
    }
    return 0;
}

/* ---- comparing ---- */

static bool properties_equal(const struct mqtt_publish *a, const struct mqtt_publish *b)
{
    if (a->property_count != b->property_count)
        return false;
    for (uint32_t i = 0; i < a->property_count; i++) {
        if (!slice_equal(a->properties[i].key, b->properties[i].key) ||
            !slice_equal(a->properties[i].value, b->properties[i].value))
            return false;
    }
    return true;
}

static bool texts_equal(struct slice a, struct slice b)
{
    return !a.data == !b.data && slice_equal(a, b);
}

static bool publishes_equal(const struct mqtt_publish *a, const struct mqtt_publish *b)
{
    return slice_equal(a->topic, b->topic) && slice_equal(a->payload, b->payload) && a->qos == b->qos &&
           a->retain == b->retain && a->has_expiry == b->has_expiry && a->expiry_s == b->expiry_s &&
           texts_equal(a->content_type, b->content_type) &&
           texts_equal(a->response_topic, b->response_topic) && texts_equal(a->correlation, b->correlation) &&
           properties_equal(a, b);
}

/* The next output that the message would release. */
static bool next(const struct side *side, size_t *offset, struct mqtt_publish *ret,
                 struct property *properties)
{
    return side->unfit == 0 && side->play.outcome == PLAY_OK &&
           outbox_next(&side->play.outbox, offset, side->play.message, ret, properties);
}

static bool sides_equal(const struct diff *d)
{
    const struct side *a = &d->sides[OLD], *b = &d->sides[NEW];
    struct property of_a[WIRE_PROPERTIES_MAX], of_b[WIRE_PROPERTIES_MAX];
    struct mqtt_publish from_a, from_b;
    size_t at_a = 0, at_b = 0;
    bool more_a, more_b;
    if (a->unfit != b->unfit || a->play.outcome != b->play.outcome)
        return false;
    do {
        more_a = next(a, &at_a, &from_a, of_a);
        more_b = next(b, &at_b, &from_b, of_b);
    } while (more_a && more_b && publishes_equal(&from_a, &from_b));
    return !more_a && !more_b;
}

static void show_side(const struct side *side, char mark)
{
    struct property properties[WIRE_PROPERTIES_MAX];
    struct mqtt_publish publish;
    size_t offset = 0;
    if (side->unfit)
        printf("  %c (%s)\n", mark,
               side->unfit == -EMSGSIZE ? "not given to it: larger than limits.payload"
                                        : "does not trigger it");
    else if (side->play.outcome != PLAY_OK)
        printf("  %c (%s%s%s)\n", mark, play_outcome_name(side->play.outcome), side->play.text[0] ? ": " : "",
               side->play.text);
    else if (side->play.outbox.count == 0)
        printf("  %c (nothing)\n", mark);
    while (next(side, &offset, &publish, properties)) {
        printf("  %c ", mark);
        show_publish(stdout, &publish);
    }
}

static void show_last_lines(const struct side *side)
{
    size_t first = side->line_count > LAST_LINES ? side->line_count - LAST_LINES : 0;
    for (size_t i = first; i < side->line_count; i++) {
        const struct last_line *line = &side->last_lines[i % LAST_LINES];
        log_line(load_log_level(line->level), "%s: %s", side->path, line->text);
    }
}

/* It does not get ready, nor will it for the next message. */
static bool is_hopeless(const struct side *side)
{
    if (side->play.outcome != PLAY_NOT_READY && side->play.outcome != PLAY_NO_WORKER)
        return false;
    show_last_lines(side);
    log_error("%s: %s", side->path, side->play.text);
    return true;
}

static void show_message(const struct message_lines *lines)
{
    printf("%s:%zu:", lines->name, lines->number);
    show_text(stdout, " ", lines->parsed.timer ? slice_of(lines->parsed.timer) : lines->parsed.mqtt.topic);
    show_text(stdout, "  ", lines->parsed.mqtt.payload);
    putchar('\n');
}

static void compare(struct diff *d, const struct message_lines *lines)
{
    struct side *old = &d->sides[OLD], *new = &d->sides[NEW];
    if (old->unfit && old->unfit == new->unfit) {
        d->passed_by++;
        return;
    }
    d->hopeless = is_hopeless(old);
    d->hopeless |= is_hopeless(new);
    d->messages += !d->hopeless;
    if (!d->hopeless && !sides_equal(d)) {
        d->different++;
        show_message(lines);
        show_side(old, '-');
        show_side(new, '+');
    }
    play_finish(&old->play);
    play_finish(&new->play);
}

static int play_all(struct diff *d, struct message_lines *lines)
{
    enum message_line kind;
    int code = 0;
    while (code == 0 && !d->hopeless && (kind = message_lines_next(lines)) != LINE_END) {
        d->bad += kind == LINE_BAD;
        if (kind == LINE_BAD)
            continue;
        code = play(d, lines);
        if (code == 0)
            compare(d, lines);
    }
    for (int i = 0; i < SIDES; i++) {
        player_stop(&d->sides[i].player);
        while (!player_is_down(&d->sides[i].player))
            uv_run(&d->host.loop, UV_RUN_ONCE);
    }
    return code;
}

/* ---- the whole ---- */

/* The manifest is that of --manifest, else the side's own. */
static int load_side(struct side *side, const struct options *o)
{
    struct diags diags = {0};
    int error = load_revision(side->path, o->functions, &side->revision, &diags);
    if (error == 0 && o->manifest)
        error = load_under(o->manifest, o->functions, &side->revision, &diags);
    complain_all(&diags);
    diags_finish(&diags);
    return error < 0 ? EX_DATAERR : 0;
}

static int run_host(struct diff *d, const struct options *o, struct message_lines *lines)
{
    int code = host_init(&d->host, o);
    if (code != 0)
        return code;
    code = host_needs_workers(&d->host);
    for (int i = 0; i < SIDES; i++)
        player_init(&d->sides[i].player, d->host.io, d->sides[i].revision, &events, &d->sides[i]);
    if (code == 0)
        code = play_all(d, lines);
    host_finish(&d->host);
    return code;
}

static int compare_versions(struct diff *d, const struct options *o)
{
    struct message_lines lines;
    int code = 0;
    for (int i = 0; i < SIDES && code == 0; i++)
        code = load_side(&d->sides[i], o);
    int error = code == 0 ? message_lines_open(&lines, o->arguments[SIDES]) : 0;
    if (error < 0) {
        log_error("%s: cannot be read: %s", o->arguments[SIDES], strerror(-error));
        code = EX_DATAERR;
    }
    if (code != 0)
        return code;
    code = run_host(d, o, &lines);
    message_lines_finish(&lines);
    return code;
}

static int conclude(const struct diff *d, const char *recording)
{
    char others[64] = "";
    if (d->passed_by)
        snprintf(others, sizeof others, "; %zu more go%s to neither", d->passed_by,
                 d->passed_by == 1 ? "es" : "");
    log_info("%zu message%s, %zu differ%s%s", d->messages, d->messages == 1 ? "" : "s", d->different,
             d->different == 1 ? "s" : "", others);
    if (d->hopeless || d->bad)
        return EX_DATAERR;
    if (d->passed_by && !d->messages) {
        log_error("%s: no message in it triggers the function: nothing was compared", recording);
        return EX_DATAERR;
    }
    return d->different > 0;
}

static int run(struct options *o)
{
    if (o->argument_count != SIDES + 1) {
        log_error("two versions and a recording are needed: see 'hark diff --help'");
        return EX_USAGE;
    }
    struct diff d = {.sides = {{.path = o->arguments[OLD]}, {.path = o->arguments[NEW]}}};
    int code = compare_versions(&d, o);
    for (int i = 0; i < SIDES; i++)
        revision_drop(d.sides[i].revision);
    if (code != 0)
        return code;
    return conclude(&d, o->arguments[SIDES]);
}

const struct command command_diff = {
    .name = "diff",
    .arguments = "OLD NEW FILE",
    .summary = "play a recording to two versions of a function and show where they differ",
    .help =
        "OLD and NEW are a .so or a manifest each. Every message of FILE (a line each, as 'hark\n"
        "record' writes them and 'hark invoke' reads them; - for standard input) is played to a worker of\n"
        "each. Where they end differently or put out something else, the message is printed, with what OLD\n"
        "did behind - and what NEW did behind +. With --manifest both run under that manifest, with its\n"
        "triggers, config and limits; a .so without takes any topic and may publish anywhere. Messages\n"
        "that trigger neither of them are passed by, and counted.\n\n"
        "Exit codes: 0 they do the same, 1 they differ, 64 usage, 65 bad manifest or .so, a line that is\n"
        "no message (the others are played), or none that triggers them, 70 internal, 77 the seal does\n"
        "not hold.\n",
    .examples = "May the new build be deployed?\n"
                "  hark diff --manifest thermostat.yaml old.so new.so day.jsonl\n",
    .takes = OPTION_FUNCTIONS | OPTION_MANIFEST | OPTIONS_SEAL | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = SIDES + 1,
    .run = run,
};
