/* invoke.c: `hark invoke`: one message through a real worker, without a broker. */
#include "cli/commands.h"
#include "cli/invoke_message.h"
#include "cli/message_lines.h"
#include "cli/tryout.h"
#include "shared/log.h"

#include <sysexits.h>

enum { ARGUMENTS_MAX = 33 /* the function, and what follows -- */ };

/* The first code that is not 0: what calls it asks whether all went well. */
static int play_often(struct tryout *t, const struct mqtt_message *message,
                      const struct topic_captures *captures)
{
    int first = EX_OK;
    for (uint32_t n = 0; n < t->options->repeat && !t->hopeless; n++) {
        int code = tryout_play(t, message, captures);
        first = first == EX_OK ? code : first;
    }
    return first;
}

static int play_lines(struct tryout *t, struct message_lines *lines)
{
    enum message_line kind;
    int first = EX_OK;
    while (!t->hopeless && (kind = message_lines_next_for(lines, t->revision->manifest)) != LINE_END) {
        int code =
            kind == LINE_BAD ? EX_DATAERR : play_often(t, &lines->aimed.message, &lines->aimed.captures);
        first = first == EX_OK ? code : first;
    }
    message_lines_finish(lines);
    return first;
}

static int play_given(struct tryout *t)
{
    struct invoke_message message;
    int code = invoke_message_init(&message, t->options, t->revision);
    if (code != 0)
        return code;
    code = play_often(t, &message.mqtt, &message.captures);
    invoke_message_finish(&message);
    return code;
}

static int check_arguments(const struct options *o)
{
    bool takes = o->gdb || o->valgrind;
    if (o->argument_count > 1 && (!takes || o->arguments[1][0] != '-')) {
        log_error("unexpected argument '%s': see 'hark invoke --help'", o->arguments[1]);
        return EX_USAGE;
    }
    return 0;
}

static int run(struct options *o)
{
    struct tryout t;
    struct message_lines lines;
    bool is_described = o->given & (OPTIONS_MESSAGE | OPTION_TIMER);
    if (o->argument_count == 0) {
        log_error("no function given: see 'hark invoke --help'");
        return EX_USAGE;
    }
    int code = check_arguments(o);
    if (code != 0)
        return code;
    code = tryout_open(&t, o->arguments[0], o);
    if (code != 0)
        return code;
    if (!is_described && !o->gdb && message_lines_piped(&lines))
        code = play_lines(&t, &lines);
    else
        code = play_given(&t);
    return tryout_close(&t, code);
}

const struct command command_invoke = {
    .name = "invoke",
    .arguments = "FUNCTION.yaml or FILE.so [-- ARGUMENT...]",
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
        "--gdb stops at the first line of the handler, with its symbols and sources; gdb has standard "
        "input,\n"
        "and speaks on standard error. --valgrind shows what memcheck finds, --unsealed runs a build with\n"
        "-fsanitize=address, undefined or thread. All three run the function as whoever you are, without "
        "the\n"
        "seal; the first two without a timeout. Arguments for gdb or valgrind follow --.\n\n"
        "Exit codes: 0 ok, 1 retry, 2 reject, 3 crash, 4 timeout, 64 usage, 65 bad manifest or .so (it does\n"
        "not get ready), or a payload or a line that cannot be read, 69 no gdb or valgrind, 70 internal,\n"
        "77 the seal does not hold. Of several messages it is the code of the first that did not end well.\n",
    .examples = "One message:\n"
                "  hark invoke thermostat.yaml --topic home/kitchen/temperature --payload 18\n"
                "\n"
                "Several, from a pipe:\n"
                "  echo '[home/kitchen/temperature] 18' | hark invoke thermostat.yaml --stats\n"
                "\n"
                "In gdb, by hand and by a script:\n"
                "  hark invoke thermostat.yaml --topic home/kitchen/temperature --payload 18 --gdb\n"
                "  hark invoke thermostat.yaml --topic home/kitchen/temperature --payload 18 --gdb -- \\\n"
                "    -batch -ex backtrace -ex continue\n",
    .takes = OPTION_FUNCTIONS | OPTION_TOPIC | OPTION_PAYLOAD | OPTION_PAYLOAD_FILE | OPTION_QOS |
             OPTION_RETAINED | OPTION_PROPERTY | OPTION_RESPONSE_TOPIC | OPTION_CORRELATION | OPTION_TIMER |
             OPTION_REPEAT | OPTION_STATS | OPTIONS_SEAL | OPTIONS_UNSEALED | OPTION_JSON | OPTION_VERBOSE |
             OPTION_HELP,
    .arguments_max = ARGUMENTS_MAX,
    .run = run,
};
