#include "cli/options.h"

#include "manifest/suggest.h"
#include "manifest/units.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/layers.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct description {
    const char *name;
    const char *value; /* placeholder; NULL: takes none */
    const char *help;
};

/* Row n describes option 1 << n. */
static const struct description table[] = {
    {"broker", "URL", "mqtt[s]://[user[:password]@]host[:port], or the name of a broker in hark.yaml"},
    {"config", "FILE", "settings of this node, hark.yaml"},
    {"node", "NAME", "name of this node, the middle of its client ids (the host's name)"},
    {"state", "DIR", "where this node keeps its sessions and dead letters"},
    {"manifests", "DIR", "folder of manifests"},
    {"functions", "DIR", "second place to look for handlers, after the manifest's folder"},
    {"port", "N", "port of the private broker (a free one)"},
    {"topic", "TOPIC", "the message's topic (the first trigger's, if it has no wildcard)"},
    {"payload", "TEXT", "the message's payload (empty)"},
    {"payload-file", "FILE", "the payload from a file, or - for standard input"},
    {"qos", "N", "0, 1 or 2 (1)"},
    {"retained", NULL, "mark the message as retained"},
    {"property", "K=V", "a user property; may be repeated"},
    {"response-topic", "TOPIC", "where a reply is wanted"},
    {"correlation", "TEXT", "correlation data, which a reply repeats"},
    {"user", "NAME", "who functions run as, a name or number (as root: hark if there is one, else nobody)"},
    {"insecure", "LAYER", "run functions without that layer of the seal; may be repeated (see hark doctor)"},
    {"json", NULL, "results as JSON"},
    {"verbose", NULL, "log also what is only of use in looking for a fault"},
    {"drain", "TIME", "how long SIGTERM lets what runs finish, for instance 30s; 0s: not at all (10s)"},
    {"timer", "NAME", "a tick of that timer instead of a message, for instance \"every 30s\""},
    {"function", "NAME", "only those of this function"},
    {"all", NULL, "all there are"},
    {"rate", "N/s", "how many a second, 1/s to 1000/s (10/s)"},
    {"ca-file", "FILE", "certificates that an mqtts:// broker's may be signed by (the system's)"},
    {"help", NULL, "this text"},
};

enum { OPTION_COUNT = sizeof table / sizeof *table, FIRST_CODE = 256, RATE_MAX = 1000 };

_Static_assert(1 << (OPTION_COUNT - 1) == OPTION_HELP, "the table has a row for each enum option_bit");

/* getopt_long's view of the options that the command takes. */
static void long_options(const struct command *command, struct option rows[OPTION_COUNT + 1])
{
    int count = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (command->takes & (1u << i))
            rows[count++] = (struct option){table[i].name, table[i].value ? required_argument : no_argument,
                                            NULL, FIRST_CODE + i};
    }
    rows[count] = (struct option){0};
}

static const char *suggestion(const struct command *command, const char *given)
{
    struct suggest s = suggest_start(slice_make(given, strcspn(given, "=")));
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (command->takes & (1u << i))
            suggest_consider(&s, table[i].name);
    }
    return s.best;
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct command *command, struct diag *diag,
                                                        const char *format, ...);

static int refuse(const struct command *command, struct diag *diag, const char *format, ...)
{
    char text[DIAG_TEXT_MAX - 64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *stop = text[strlen(text) - 1] == '?' ? "" : ":";
    diag_set(diag, NULL, 0, 0, "%s%s see 'hark %s --help'", text, stop, command->name);
    return -EINVAL;
}

static int refuse_unknown(const struct command *command, const char *given, struct diag *diag)
{
    const char *best = strncmp(given, "--", 2) == 0 ? suggestion(command, given + 2) : NULL;
    if (best)
        return refuse(command, diag, "unknown option '%s': did you mean '--%s'?", given, best);
    return refuse(command, diag, "unknown option '%s'", given);
}

static const unsigned MAY_BE_EMPTY =
    OPTION_NODE | OPTION_PAYLOAD | OPTION_CORRELATION; /* a node's name is checked later */

static int parse_number(const char *text, long min, long max, long *ret_number)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < min || number > max)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int take_port(const struct command *command, const char *value, struct options *o, struct diag *diag)
{
    long port;
    if (parse_number(value, 1, UINT16_MAX, &port) < 0)
        return refuse(command, diag, "--port '%s': a number from 1 to 65535 is needed", value);
    o->port = (uint16_t)port;
    return 0;
}

static int take_qos(const struct command *command, const char *value, struct options *o, struct diag *diag)
{
    long qos;
    if (parse_number(value, 0, 2, &qos) < 0)
        return refuse(command, diag, "--qos '%s': 0, 1 or 2 is needed", value);
    o->qos = (uint8_t)qos;
    return 0;
}

static const uint64_t DRAIN_DEFAULT_NS = 10 * NS_PER_S, DRAIN_MAX_NS = 3600 * NS_PER_S;

static int take_drain(const struct command *command, const char *value, struct options *o, struct diag *diag)
{
    const char *why;
    if (units_parse_duration(slice_of(value), &o->drain_ns, &why) < 0)
        return refuse(command, diag, "--drain '%s' %s", value, why);
    if (o->drain_ns > DRAIN_MAX_NS)
        return refuse(command, diag, "--drain '%s': at most 1h", value);
    return 0;
}

static int take_rate(const struct command *command, const char *value, struct options *o, struct diag *diag)
{
    char digits[8];
    size_t len = strlen(value);
    long rate;
    bool has_unit = len > 2 && len < sizeof digits && strcmp(value + len - 2, "/s") == 0;
    snprintf(digits, sizeof digits, "%.*s", has_unit ? (int)len - 2 : 0, value);
    if (!has_unit || parse_number(digits, 1, RATE_MAX, &rate) < 0)
        return refuse(command, diag, "--rate '%s': 1/s to %d/s is needed", value, RATE_MAX);
    o->rate = (uint32_t)rate;
    return 0;
}

static int take_property(const struct command *command, const char *value, struct options *o,
                         struct diag *diag)
{
    if (!strchr(value, '='))
        return refuse(command, diag, "--property '%s': KEY=VALUE is needed", value);
    if (o->property_count == OPTION_PROPERTIES_MAX)
        return refuse(command, diag, "--property: at most %d are allowed", OPTION_PROPERTIES_MAX);
    o->properties[o->property_count++] = value;
    return 0;
}

static int take_insecure(const struct command *command, const char *value, struct options *o,
                         struct diag *diag)
{
    int layer = layer_find(value);
    struct suggest s = suggest_start(slice_of(value));
    for (int i = 0; i < LAYER_COUNT; i++)
        suggest_consider(&s, layer_name((enum layer)i));
    if (layer < 0 && s.best)
        return refuse(command, diag, "--insecure '%s': no layer of the seal: did you mean '%s'?", value,
                      s.best);
    if (layer < 0)
        return refuse(command, diag, "--insecure '%s': no layer of the seal: hark doctor lists them", value);
    o->insecure |= 1u << layer;
    return 0;
}

/* Where the value of an option that is a plain text goes; NULL: the option is of another kind. */
static const char **text_of(struct options *o, unsigned option)
{
    switch (option) {
    case OPTION_CA_FILE:
        return &o->ca_file;
    case OPTION_CONFIG:
        return &o->config;
    case OPTION_NODE:
        return &o->node;
    case OPTION_STATE:
        return &o->state;
    case OPTION_MANIFESTS:
        return &o->manifests;
    case OPTION_FUNCTIONS:
        return &o->functions;
    case OPTION_TOPIC:
        return &o->topic;
    case OPTION_PAYLOAD:
        return &o->payload;
    case OPTION_PAYLOAD_FILE:
        return &o->payload_file;
    case OPTION_RESPONSE_TOPIC:
        return &o->response_topic;
    case OPTION_CORRELATION:
        return &o->correlation;
    case OPTION_TIMER:
        return &o->timer;
    case OPTION_USER:
        return &o->user;
    case OPTION_FUNCTION:
        return &o->function;
    default:
        return NULL;
    }
}

static int take(const struct command *command, unsigned option, char *value, struct options *o,
                struct diag *diag)
{
    const char **text = text_of(o, option);
    o->given |= option;
    if (text)
        *text = value;
    else if (option == OPTION_BROKER)
        o->broker = value;
    else if (option == OPTION_PORT)
        return take_port(command, value, o, diag);
    else if (option == OPTION_QOS)
        return take_qos(command, value, o, diag);
    else if (option == OPTION_DRAIN)
        return take_drain(command, value, o, diag);
    else if (option == OPTION_RATE)
        return take_rate(command, value, o, diag);
    else if (option == OPTION_PROPERTY)
        return take_property(command, value, o, diag);
    else if (option == OPTION_INSECURE)
        return take_insecure(command, value, o, diag);
    else if (option == OPTION_RETAINED)
        o->retained = true;
    else if (option == OPTION_JSON)
        o->json = true;
    else if (option == OPTION_ALL)
        o->all = true;
    else if (option == OPTION_VERBOSE)
        o->verbose = true;
    else if (option == OPTION_HELP)
        o->help = true;
    return 0;
}

/* Such as an unset variable of a script leaves it: an empty --state would be the root folder. */
static int refuse_no_value(const struct command *command, int code, struct diag *diag)
{
    const char *name = table[code - FIRST_CODE].name;
    return refuse(command, diag, "--%s needs a value: --%s %s", name, name, table[code - FIRST_CODE].value);
}

static int take_or_refuse(const struct command *command, int code, char **argv, struct options *o,
                          struct diag *diag)
{
    if (code == ':' && optopt >= FIRST_CODE)
        return refuse_no_value(command, optopt, diag);
    if (code == '?' && optopt >= FIRST_CODE)
        return refuse(command, diag, "--%s takes no value", table[optopt - FIRST_CODE].name);
    if (code == '?' && optopt != 0)
        return refuse(command, diag, "unknown option '-%c'", optopt);
    if (code == '?')
        return refuse_unknown(command, argv[optind - 1], diag);
    CHECK(code >= FIRST_CODE);
    if (optarg && !*optarg && !(1u << (code - FIRST_CODE) & MAY_BE_EMPTY))
        return refuse_no_value(command, code, diag);
    static char nothing[1]; /* of a flag without a value */
    return take(command, 1u << (code - FIRST_CODE), optarg ? optarg : nothing, o, diag);
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
                  struct diag *diag)
{
    struct options o = {.qos = 1, .drain_ns = DRAIN_DEFAULT_NS};
    struct option rows[OPTION_COUNT + 1];
    int code, error = 0;
    long_options(command, rows);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while (error == 0 && (code = getopt_long(argc, argv, ":", rows, NULL)) != -1)
        error = take_or_refuse(command, code, argv, &o, diag);
    if (error < 0)
        return error;
    o.arguments = argv + optind;
    o.argument_count = (size_t)(argc - optind);
    if (!o.help && o.argument_count > command->arguments_max)
        return refuse(command, diag, "unexpected argument '%s'", o.arguments[command->arguments_max]);
    *ret_options = o;
    return 0;
}

void options_help(const struct command *command)
{
    printf("usage: hark %s [OPTION]...%s%s\n\n%s\noptions:\n", command->name,
           command->arguments[0] ? " " : "", command->arguments, command->help);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!(command->takes & (1u << i)))
            continue;
        int width = printf("  --%s %s", table[i].name, table[i].value ? table[i].value : "");
        printf("%*s%s\n", width < 26 ? 26 - width : 1, "", table[i].help);
    }
}
