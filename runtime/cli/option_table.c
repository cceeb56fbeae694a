#include "cli/options_internal.h"

#include "manifest/suggest.h"
#include "manifest/units.h"
#include "shared/clock.h"
#include "shared/layers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_MAX = 1000, REPEAT_MAX = 1000000, COUNT_MAX = 1000000000 };
static const double SPEED_MIN = 0.001, SPEED_MAX = 1e6;

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

static int take_broker(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    (void)command, (void)diag;
    o->broker = value;
    return 0;
}

static int take_port(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    long port;
    if (parse_number(value, 1, UINT16_MAX, &port) < 0)
        return option_refuse(command, diag, "--port '%s': a number from 1 to 65535 is needed", value);
    o->port = (uint16_t)port;
    return 0;
}

static int take_qos(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    long qos;
    if (parse_number(value, 0, 2, &qos) < 0)
        return option_refuse(command, diag, "--qos '%s': 0, 1 or 2 is needed", value);
    o->qos = (uint8_t)qos;
    return 0;
}

static const uint64_t DRAIN_MAX_NS = 3600 * NS_PER_S;

static int take_drain(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    const char *why;
    if (units_parse_duration(slice_of(value), &o->drain_ns, &why) < 0)
        return option_refuse(command, diag, "--drain '%s' %s", value, why);
    if (o->drain_ns > DRAIN_MAX_NS)
        return option_refuse(command, diag, "--drain '%s': at most 1h", value);
    return 0;
}

static int take_rate(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    char digits[8];
    size_t len = strlen(value);
    long rate;
    bool has_unit = len > 2 && len < sizeof digits && strcmp(value + len - 2, "/s") == 0;
    snprintf(digits, sizeof digits, "%.*s", has_unit ? (int)len - 2 : 0, value);
    if (!has_unit || parse_number(digits, 1, RATE_MAX, &rate) < 0)
        return option_refuse(command, diag, "--rate '%s': 1/s to %d/s is needed", value, RATE_MAX);
    o->rate = (uint32_t)rate;
    return 0;
}

static int take_repeat(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    long count;
    if (parse_number(value, 1, REPEAT_MAX, &count) < 0)
        return option_refuse(command, diag, "--repeat '%s': a number from 1 to %d is needed", value,
                             REPEAT_MAX);
    o->repeat = (uint32_t)count;
    return 0;
}

static int take_count(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    long count;
    if (parse_number(value, 1, COUNT_MAX, &count) < 0)
        return option_refuse(command, diag, "--count '%s': a number from 1 to %d is needed", value,
                             COUNT_MAX);
    o->count = (uint64_t)count;
    return 0;
}

static int take_speed(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    bool is_max = strcmp(value, "max") == 0;
    char *end = value;
    double speed = is_max ? 0 : strtod(value, &end);
    bool is_number = value[0] >= '0' && value[0] <= '9' && *end == '\0';
    if (!is_max && !(is_number && speed >= SPEED_MIN && speed <= SPEED_MAX))
        return option_refuse(command, diag, "--speed '%s': 0.001 to 1000000 is needed, or max", value);
    o->speed = speed;
    return 0;
}

static int take_property(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    if (!strchr(value, '='))
        return option_refuse(command, diag, "--property '%s': KEY=VALUE is needed", value);
    if (o->property_count == OPTION_PROPERTIES_MAX)
        return option_refuse(command, diag, "--property: at most %d are allowed", OPTION_PROPERTIES_MAX);
    o->properties[o->property_count++] = value;
    return 0;
}

static int take_insecure(const struct command *command, char *value, struct options *o, struct diag *diag)
{
    int layer = layer_find(value);
    struct suggest s = suggest_start(slice_of(value));
    for (int i = 0; i < LAYER_COUNT; i++)
        suggest_consider(&s, layer_name((enum layer)i));
    if (layer < 0 && s.best)
        return option_refuse(command, diag, "--insecure '%s': no layer of the seal: did you mean '%s'?",
                             value, s.best);
    if (layer < 0)
        return option_refuse(command, diag, "--insecure '%s': no layer of the seal: hark doctor lists them",
                             value);
    o->insecure |= 1u << layer;
    return 0;
}

#define TEXT(field) .text = offsetof(struct options, field)
#define FLAG(field) .flag = offsetof(struct options, field)

const struct option_row option_table[] = {
    {"broker", "URL",
     "mqtt[s]:// or ws[s]://[user[:password]@]host[:port], or the name of a broker in hark.yaml",
     .take = take_broker},
    {"config", "FILE", "settings of this node, hark.yaml", TEXT(config)},
    {"node", "NAME", "name of this node, the middle of its client ids (the host's name)", TEXT(node),
     .may_be_empty = true},
    {"state", "DIR", "where this node keeps its sessions and dead letters", TEXT(state)},
    {"manifests", "DIR", "folder of manifests", TEXT(manifests)},
    {"functions", "DIR", "second place to look for handlers, after the manifest's folder", TEXT(functions)},
    {"port", "N", "port of the private broker (a free one)", .take = take_port},
    {"topic", "TOPIC",
     "the message's topic (the first trigger's, if it has no wildcard); of record, a filter", TEXT(topic)},
    {"payload", "TEXT", "the message's payload (empty)", TEXT(payload), .may_be_empty = true},
    {"payload-file", "FILE", "the payload from a file, or - for standard input", TEXT(payload_file)},
    {"qos", "N", "0, 1 or 2 (1)", .take = take_qos},
    {"retained", NULL, "mark the message as retained", FLAG(retained)},
    {"property", "K=V", "a user property; may be repeated", .take = take_property},
    {"response-topic", "TOPIC", "where a reply is wanted", TEXT(response_topic)},
    {"correlation", "TEXT", "correlation data, which a reply repeats", TEXT(correlation),
     .may_be_empty = true},
    {"user", "NAME", "who functions run as, a name or number (as root: hark if there is one, else nobody)",
     TEXT(user)},
    {"insecure", "LAYER", "run functions without that layer of the seal; may be repeated (see hark doctor)",
     .take = take_insecure},
    {"json", NULL, "results as JSON", FLAG(json)},
    {"verbose", NULL, "log also what is only of use in looking for a fault", FLAG(verbose)},
    {"drain", "TIME", "how long SIGTERM lets what runs finish, for instance 30s; 0s: not at all (10s)",
     .take = take_drain},
    {"timer", "NAME", "a tick of that timer instead of a message, for instance \"every 30s\"", TEXT(timer)},
    {"function", "NAME", "only those of this function", TEXT(function)},
    {"all", NULL, "all there are", FLAG(all)},
    {"rate", "N/s", "how many a second, 1/s to 1000/s (10/s)", .take = take_rate},
    {"ca-file", "FILE", "certificates that a broker's behind TLS may be signed by (the system's)",
     TEXT(ca_file)},
    {"repeat", "N", "the message N times in a row, to one worker (1)", .take = take_repeat},
    {"stats", NULL, "time and memory of each message", FLAG(stats)},
    {"junit", "FILE", "the results as JUnit XML too", TEXT(junit)},
    {"lang", "c|cpp|rust|lua|js", "the language (c)", TEXT(language)},
    {"count", "N", "end after N messages", .take = take_count},
    {"speed", "N", "how many times as fast as it was recorded, or max (1)", .take = take_speed},
    {"manifest", "FILE", "manifest that both handlers run under", TEXT(manifest)},
    {"tap", NULL, "the results as TAP, the Test Anything Protocol", FLAG(tap)},
    {"update", NULL, "write what happened into the files, as what is expected of cases that fail",
     FLAG(update)},
    {"watch", NULL, "again whenever a file changes that they hang on, until an interrupt", FLAG(watch)},
    {"no-build", NULL, "build nothing: leave CMakeLists.txt and Makefile alone", FLAG(no_build)},
    {"gdb", NULL, "in gdb, outside of the seal and without timeout; arguments for gdb may follow --",
     FLAG(gdb)},
    {"valgrind", NULL, "in valgrind, likewise", FLAG(valgrind)},
    {"unsealed", NULL, "outside of the seal, as a build with a sanitizer needs it", FLAG(unsealed)},
    {"record", "FILE", "keep what devices publish in FILE, as lines of JSON", TEXT(record)},
    {"help", NULL, "this text", FLAG(help)},
};

_Static_assert(UINT64_C(1) << (sizeof option_table / sizeof *option_table - 1) == OPTION_HELP,
               "the table has a row for each enum option_bit");
const int option_count = sizeof option_table / sizeof *option_table;
