#include "manifest/manifest_keys.h"
#include "manifest/node_keys.h"

#include "shared/clock.h"
#include "shared/topic.h"

#include <stdint.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    1024ull
#define MIB    (1024 * KIB)

/* ---- rules of texts ---- */

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

const char *manifest_name_fault(struct slice name)
{
    static const char rule[] =
        "not a function's name: write a-z, 0-9 and '-', at most 63 of them, '-' not first, "
        "for instance thermostat-2";
    if (name.len < 1 || name.len > MANIFEST_NAME_MAX || name.data[0] == '-')
        return rule;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_lower_or_digit(name.data[i]) && name.data[i] != '-')
            return rule;
    }
    return NULL;
}

/* Has the path a part that is `..`? */
static bool climbs(struct slice path)
{
    size_t start = 0;
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.data[i] != '/')
            continue;
        if (i - start == 2 && memcmp(path.data + start, "..", 2) == 0)
            return true;
        start = i + 1;
    }
    return false;
}

static const char *check_handler(struct slice text)
{
    if (text.len > 0 && text.data[0] != '/' && climbs(text))
        return "'..' leaves the folder: write a path inside it, or one from the root: "
               "/usr/lib/hark/thermostat.so";
    return NULL;
}

static const char *check_config_file(struct slice text)
{
    if (text.len > 0 && text.data[0] != '/' && climbs(text))
        return "'..' leaves the folder: write a path inside it, or one from the root: /etc/hark/api.key";
    return NULL;
}

static const char *check_dead_letter(struct slice text)
{
    if (text.len == 0)
        return "the topic is empty: write hark/dead/thermostat, or none";
    if (memchr(text.data, '+', text.len) || memchr(text.data, '#', text.len))
        return "a topic to publish to has no wildcards: write it without + and #, or none";
    if (memchr(text.data, '{', text.len))
        return "names in braces are not filled in here: write a topic without them, or none";
    if (!topic_name_valid(text))
        return "not a topic: write at most 65535 bytes, for instance hark/dead/thermostat, or none";
    return NULL;
}

/* ---- the tables ---- */

static const struct key_word order_words[] = {
    {"none", ORDER_NONE}, {"topic", ORDER_TOPIC}, {"all", ORDER_ALL}, {NULL, 0}};

static const struct key instances_list[] = {
    {
        .name = "min",
        .type = KEY_COUNT,
        .initial = "0",
        .min = 0,
        .max = MANIFEST_INSTANCES_MAX,
        .bounds = "0 to 256, at most instances.max",
        .example = "0",
        .meaning = "workers that are kept while there is nothing to do",
        KEY_MEMBER(struct manifest, instances_min),
    },
    {
        .name = "max",
        .type = KEY_COUNT,
        .initial = "1",
        .min = 1,
        .max = MANIFEST_INSTANCES_MAX,
        .example = "4",
        .meaning = "workers that may run side by side",
        KEY_MEMBER(struct manifest, instances_max),
    },
    {
        .name = "idle",
        .type = KEY_DURATION,
        .initial = "60s",
        .min = 0,
        .max = DAY,
        .example = "60s",
        .meaning = "how long a worker beyond instances.min stays without work",
        KEY_MEMBER(struct manifest, instances_idle_ns),
    },
};

static const struct keys instances_keys = {"instances.", KEYS_OF(instances_list)};

static const struct key retry_list[] = {
    {
        .name = "attempts",
        .type = KEY_COUNT,
        .initial = "3",
        .min = 1,
        .max = 100,
        .example = "3",
        .meaning = "how often a message is tried in all before it is a dead letter",
        KEY_MEMBER(struct manifest, retry_attempts),
    },
    {
        .name = "backoff",
        .type = KEY_DURATION,
        .initial = "200ms",
        .min = NS_PER_MS,
        .max = HOUR,
        .bounds = "1ms to 1h, at most retry.max_backoff",
        .example = "200ms",
        .meaning = "wait before the second attempt; it doubles with each further one",
        KEY_MEMBER(struct manifest, retry_backoff_ns),
    },
    {
        .name = "max_backoff",
        .type = KEY_DURATION,
        .initial = "30s",
        .min = NS_PER_MS,
        .max = DAY,
        .example = "30s",
        .meaning = "the longest wait between two attempts",
        KEY_MEMBER(struct manifest, retry_max_backoff_ns),
    },
};

static const struct keys retry_keys = {"retry.", KEYS_OF(retry_list)};

static const struct key limits_list[] = {
    {
        .name = "payload",
        .type = KEY_SIZE,
        .initial = "256KiB",
        .min = 1,
        .max = 16 * MIB,
        .example = "256KiB",
        .meaning = "the largest payload of a message, in and out",
        KEY_MEMBER(struct manifest, limit_payload_bytes),
    },
    {
        .name = "queue",
        .type = KEY_COUNT,
        .initial = "1000",
        .min = 1,
        .max = 65535,
        .example = "1000",
        .meaning =
            "messages that may wait for a worker; beyond that the broker keeps them, QoS 0 drops the oldest",
        KEY_MEMBER(struct manifest, limit_queue),
    },
    {
        .name = "publishes",
        .type = KEY_COUNT,
        .initial = "1000",
        .min = 0,
        .max = 100000,
        .example = "1000",
        .meaning = "messages that one invocation may publish",
        KEY_MEMBER(struct manifest, limit_publishes),
    },
    {
        .name = "memory",
        .type = KEY_SIZE,
        .initial = "64MiB",
        .min = 4 * MIB,
        .max = 4096 * MIB,
        .example = "64MiB",
        .meaning = "heap, globals and stacks of threads of one worker; beyond that malloc() returns NULL",
        KEY_MEMBER(struct manifest, limit_memory_bytes),
    },
    {
        .name = "cpu",
        .type = KEY_SECONDS,
        .min = NS_PER_S,
        .max = 365 * DAY,
        .example = "1h",
        .meaning = "processor time of a worker's whole life; a worker beyond that is killed and replaced",
        KEY_MEMBER(struct manifest, limit_cpu_s),
    },
    {
        .name = "cpu_quota",
        .type = KEY_PERCENT,
        .min = 1,
        .max = 10000,
        .example = "50%",
        .meaning =
            "processor time of all its workers together, in percent of one processor; they wait when it "
            "is used up. Needs a cgroup: see hark doctor",
        KEY_MEMBER(struct manifest, limit_cpu_percent),
    },
    {
        .name = "threads",
        .type = KEY_COUNT,
        .initial = "1",
        .min = 1,
        .max = 256,
        .example = "4",
        .meaning = "threads of one worker, the one that handles messages included",
        KEY_MEMBER(struct manifest, limit_threads),
    },
    {
        .name = "files",
        .type = KEY_COUNT,
        .initial = "16",
        .min = 4, /* the loader needs them before the function does */
        .max = 1024,
        .example = "16",
        .meaning = "descriptors that the function may have open at one time",
        KEY_MEMBER(struct manifest, limit_files),
    },
    {
        .name = "file_size",
        .type = KEY_SIZE,
        .initial = "64MiB",
        .min = 1,
        .max = 1024 * 1024 * MIB,
        .example = "64MiB",
        .meaning =
            "the largest that the function may make a file; only with a path to write in `sandbox.files`",
        KEY_MEMBER(struct manifest, limit_file_bytes),
    },
    {
        .name = "log",
        .type = KEY_RATE,
        .initial = "64KiB/s",
        .min = KIB,
        .max = 64 * MIB,
        .example = "64KiB/s",
        .meaning = "what the function may log, its standard output included; more is dropped and counted",
        KEY_MEMBER(struct manifest, limit_log_bytes),
    },
};

static const struct keys limits_keys = {"limits.", KEYS_OF(limits_list)};

static const struct key config_list[] = {
    {
        .name = "from_file",
        .type = KEY_TEXT,
        .required = true,
        .min = 1,
        .max = 4095,
        .bounds = "1 to 4095 bytes, no .. in a relative path; the file: at most 64KiB of UTF-8",
        .example = "api.key",
        .meaning = "instead of a text: a file, relative to the manifest's folder, whose content is the text, "
                   "without one line end at its end",
        .check = check_config_file,
        KEY_MEMBER(struct manifest_pair, from_file),
    },
};

static const struct keys config_keys = {"config.<name>.", KEYS_OF(config_list)};

static const struct key session_list[] = {
    {
        .name = "expiry",
        .type = KEY_SECONDS,
        .initial = "1d",
        .min = 0,
        .max = 3650 * DAY,
        .example = "1d",
        .meaning = "how long the broker keeps messages for the function while hark is away",
        KEY_MEMBER(struct manifest, session_expiry_s),
    },
};

static const struct keys session_keys = {"session.", KEYS_OF(session_list)};

static const struct key manifest_list[] = {
    {
        .name = "function",
        .type = KEY_TEXT,
        .required = true,
        .min = 1,
        .max = MANIFEST_NAME_MAX,
        .bounds = "a-z 0-9 and -, at most 63, - not first",
        .example = "thermostat",
        .meaning = "the function's name, one of its kind in a node",
        .regex = "^[a-z0-9][a-z0-9-]{0,62}$",
        .check = manifest_name_fault,
        KEY_MEMBER(struct manifest, function),
    },
    {
        .name = "handler",
        .type = KEY_TEXT,
        .required = true,
        .min = 1,
        .max = 4095,
        .bounds = "1 to 4095 bytes, no .. in a relative path",
        .example = "thermostat.so",
        .meaning =
            "the shared object, or a script (.lua, .js): absolute, or relative to the manifest's folder, "
            "then to --functions",
        .check = check_handler,
        KEY_MEMBER(struct manifest, handler),
    },
    {
        .name = "description",
        .type = KEY_TEXT,
        .max = 1024,
        .bounds = "at most 1024 bytes",
        .example = "Keeps each room at its set point",
        .meaning = "what the function is for, for people",
        KEY_MEMBER(struct manifest, description),
    },
    {
        .name = "triggers",
        .type = KEY_MAPS,
        .required = true,
        .min = 1,
        .max = MANIFEST_TRIGGERS_MAX,
        .example = "[ { topic: home/+/temperature } ]",
        .meaning = "what runs the function",
        .inside = &manifest_trigger_keys,
        .load = manifest_load_triggers,
    },
    {
        .name = "publishes",
        .type = KEY_PATTERNS,
        .initial = "[]",
        .min = 0,
        .max = MANIFEST_PUBLISHES_MAX,
        .bounds = "at most 256 filters, 256KiB together",
        .example = "[ \"home/{room}/heater\" ]",
        .meaning = "topics that the function may publish to; {name} stands for what the trigger captured. "
                   "Replies need no entry",
        .load = manifest_load_publishes,
    },
    {
        .name = "timeout",
        .type = KEY_DURATION,
        .initial = "10s",
        .min = NS_PER_MS,
        .max = HOUR,
        .example = "2s",
        .meaning = "wall clock of one invocation, for the first of a worker its loading included",
        KEY_MEMBER(struct manifest, timeout_ns),
    },
    {
        .name = "instances",
        .type = KEY_MAP,
        .example = "{ min: 0, max: 4, idle: 60s }",
        .meaning = "how many workers the function gets",
        .inside = &instances_keys,
    },
    {
        .name = "order",
        .type = KEY_ORDER,
        .initial = "topic",
        .bounds = "none, topic, all, or a {name} of every topic that triggers",
        .example = "topic",
        .meaning = "messages that are handled one after the other: none, those of one topic, of one captured "
                   "{name}, or all",
        .words = order_words,
        .load = manifest_load_order,
        KEY_MEMBER(struct manifest, order),
    },
    {
        .name = "retry",
        .type = KEY_MAP,
        .example = "{ attempts: 3, backoff: 200ms, max_backoff: 30s }",
        .meaning = "what happens after a failed attempt",
        .inside = &retry_keys,
    },
    {
        .name = "dead_letter",
        .type = KEY_TOPIC,
        .initial = "hark/dead/<function>",
        .min = 1,
        .max = TOPIC_MAX,
        .bounds = "1 to 65535 bytes, no wildcards; or none",
        .example = "hark/dead/thermostat",
        .meaning = "where messages go that the function could not handle; none drops and counts them",
        .regex = "^[^+#{]+$",
        .check = check_dead_letter,
        KEY_MEMBER(struct manifest, dead_letter),
    },
    {
        .name = "limits",
        .type = KEY_MAP,
        .example = "{ payload: 256KiB, memory: 64MiB }",
        .meaning = "bounds of what the function takes, gives and uses",
        .inside = &limits_keys,
    },
    {
        .name = "config",
        .type = KEY_PAIRS,
        .initial = "{}",
        .min = 0,
        .max = MANIFEST_CONFIG_MAX,
        .bounds = "at most 256 names of 1 to 255 bytes, 256KiB together",
        .example = "{ setpoint: \"21.5\" }",
        .meaning = "texts that the function can ask for by name, kept as they are written",
        .inside = &config_keys,
        .load = manifest_load_config,
    },
    {
        .name = "session",
        .type = KEY_MAP,
        .example = "{ expiry: 1d }",
        .meaning = "the function's session at the broker",
        .inside = &session_keys,
    },
    {
        .name = "sandbox",
        .type = KEY_MAP,
        .example = "{ files: [ /etc/site/thresholds.csv ] }",
        .meaning = "what the function may reach of the machine; everything else is denied",
        .inside = &manifest_sandbox_keys,
    },
    {
        .name = "broker",
        .type = KEY_TEXT,
        .initial = NODE_DEFAULT_BROKER,
        .min = 1,
        .max = 63,
        .bounds = "a name from brokers in hark.yaml, or default",
        .example = "site",
        .meaning = "the broker to listen to and to publish to; default: the one that the node has chosen",
        .regex = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        .check = node_check_name,
        KEY_MEMBER(struct manifest, broker),
    },
};

const struct keys manifest_keys = {"", KEYS_OF(manifest_list)};
