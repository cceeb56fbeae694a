#include "cli/case_keys.h"

#include "shared/clock.h"
#include "shared/topic.h"

enum { TEXT_MAX = 65535 /* bytes of a string in MQTT */, PAYLOAD_MAX = 1024 * 1024, NAME_MAX_BYTES = 200 };

#define BYTES_BOUNDS "at most 1 MiB"

static const char *check_topic(struct slice text)
{
    if (topic_name_valid(text))
        return NULL;
    return "not a topic: write 1 to 65,535 bytes of UTF-8 without + and #, for instance "
           "home/kitchen/temperature";
}

static const struct key_word bool_words[] = {{"true", true}, {"false", false}, {NULL, 0}};

/* ---- what both kinds of messages have ---- */

#define KEY_TOPIC_ROW(what)                                                                                  \
    {                                                                                                        \
        .name = "topic", .type = KEY_TEXT, .min = 1, .max = TEXT_MAX, .bounds = "1 to 65535 bytes",          \
        .example = "home/kitchen/temperature", .meaning = (what), .check = check_topic,                      \
        KEY_MEMBER(struct case_message, topic),                                                              \
    }

#define KEY_PAYLOAD_ROWS(text_meaning, base64_meaning, json_meaning)                                         \
    {                                                                                                        \
        .name = "payload",                                                                                   \
        .type = KEY_TEXT,                                                                                    \
        .max = PAYLOAD_MAX,                                                                                  \
        .bounds = BYTES_BOUNDS,                                                                              \
        .example = "\"19.0\"",                                                                               \
        .meaning = (text_meaning),                                                                           \
        KEY_MEMBER(struct case_message, payload.text),                                                       \
    },                                                                                                       \
        {                                                                                                    \
            .name = "payload_base64",                                                                        \
            .type = KEY_TEXT,                                                                                \
            .max = PAYLOAD_MAX,                                                                              \
            .bounds = BYTES_BOUNDS,                                                                          \
            .example = "AAECAw==",                                                                           \
            .meaning = (base64_meaning),                                                                     \
            .load = case_load_base64,                                                                        \
            KEY_MEMBER(struct case_message, payload.base64),                                                 \
        },                                                                                                   \
    {                                                                                                        \
        .name = "payload_json", .type = KEY_ANY, .example = "{ temperature: 19.0 }",                         \
        .meaning = (json_meaning), .load = case_load_json,                                                   \
    }

#define KEY_STRING_ROW(key, shown, what)                                                                     \
    {                                                                                                        \
        .name = #key, .type = KEY_TEXT, .max = TEXT_MAX, .bounds = "at most 65535 bytes",                    \
        .example = (shown), .meaning = (what), KEY_MEMBER(struct case_message, key),                         \
    }

#define KEY_PROPERTIES_ROW(what)                                                                             \
    {                                                                                                        \
        .name = "properties", .type = KEY_PAIRS, .min = 0, .max = WIRE_PROPERTIES_MAX,                       \
        .bounds = "at most 64", .example = "{ unit: celsius }", .meaning = (what),                           \
        .load = case_load_properties,                                                                        \
    }

/* ---- given ---- */

static const struct key given_list[] = {
    KEY_TOPIC_ROW("the message's topic"),
    {
        .name = "timer",
        .type = KEY_TEXT,
        .min = 1,
        .max = TEXT_MAX,
        .bounds = "the name of a timer of the function",
        .example = "every 30s",
        .meaning = "instead of a topic: a tick of that timer",
        KEY_MEMBER(struct case_message, timer),
    },
    KEY_PAYLOAD_ROWS("the payload; none of the three: it is empty", "the payload in base64",
                     "any value: the payload is it as JSON, without blanks"),
    {
        .name = "qos",
        .type = KEY_COUNT,
        .initial = "1",
        .min = 0,
        .max = 2,
        .example = "1",
        .meaning = "quality of service of the message",
        KEY_MEMBER(struct case_message, qos),
    },
    {
        .name = "retained",
        .type = KEY_CHOICE,
        .initial = "false",
        .example = "true",
        .meaning = "the broker kept it from before the subscription",
        .words = bool_words,
        KEY_MEMBER(struct case_message, retained),
    },
    KEY_STRING_ROW(content_type, "text/plain", "MQTT 5 content type"),
    {
        .name = "response_topic",
        .type = KEY_TEXT,
        .min = 1,
        .max = TEXT_MAX,
        .bounds = "1 to 65535 bytes",
        .example = "my/answers",
        .meaning = "where a reply is wanted",
        .check = check_topic,
        KEY_MEMBER(struct case_message, response_topic),
    },
    KEY_STRING_ROW(correlation, "\"7\"", "correlation data, which a reply repeats"),
    KEY_PROPERTIES_ROW("user properties"),
    {
        .name = "expiry",
        .type = KEY_SECONDS,
        .min = NS_PER_S,
        .max = UINT32_MAX * NS_PER_S,
        .bounds = "1s to 4294967295s",
        .example = "60s",
        .meaning = "how long the message is worth anything; not given: for ever",
        KEY_MEMBER(struct case_message, expiry_s),
    },
    {
        .name = "attempt",
        .type = KEY_COUNT,
        .initial = "1",
        .min = 1,
        .max = 1000,
        .example = "2",
        .meaning = "which attempt this is, hark_attempt()",
        KEY_MEMBER(struct case_message, attempt),
    },
};

static const char *const given_kinds[] = {"topic", "timer", NULL};

const struct keys case_given_keys = {"given[].", KEYS_OF(given_list), .one_of = given_kinds};

/* ---- expected ---- */

#define KEY_EXPECTED_ROWS                                                                                    \
    KEY_PAYLOAD_ROWS("the payload, byte by byte; none of the four: any", "the payload in base64",            \
                     "the payload is JSON that is equal to this value"),                                     \
        {                                                                                                    \
            .name = "payload_matches",                                                                       \
            .type = KEY_TEXT,                                                                                \
            .min = 1,                                                                                        \
            .max = TEXT_MAX,                                                                                 \
            .bounds = "1 to 65535 bytes",                                                                    \
            .example = "\"^[0-9]+$\"",                                                                       \
            .meaning = "the payload matches this extended regular expression",                               \
            .load = case_load_payload_regex,                                                                 \
        },                                                                                                   \
        {                                                                                                    \
            .name = "qos",                                                                                   \
            .type = KEY_COUNT,                                                                               \
            .min = 0,                                                                                        \
            .max = 2,                                                                                        \
            .example = "1",                                                                                  \
            .meaning = "quality of service; not given: any",                                                 \
            KEY_MEMBER(struct case_message, qos),                                                            \
        },                                                                                                   \
        {                                                                                                    \
            .name = "retained",                                                                              \
            .type = KEY_CHOICE,                                                                              \
            .example = "true",                                                                               \
            .meaning = "whether the broker is to keep it; not given: either",                                \
            .words = bool_words,                                                                             \
            KEY_MEMBER(struct case_message, retained),                                                       \
        },                                                                                                   \
        KEY_STRING_ROW(content_type, "text/plain", "MQTT 5 content type; not given: any"),                   \
        KEY_STRING_ROW(correlation, "\"7\"", "correlation data; not given: any"),                            \
        KEY_PROPERTIES_ROW("user properties that are there, among others"),                                  \
    {                                                                                                        \
        .name = "expiry", .type = KEY_SECONDS, .min = NS_PER_S,                                              \
        .max = (UINT32_MAX - UINT64_C(1)) * NS_PER_S, .bounds = "1s to 4294967294s", .example = "60s",       \
        .meaning = "message expiry; not given: any", KEY_MEMBER(struct case_message, expiry_s),              \
    }

static const struct key output_list[] = {
    KEY_TOPIC_ROW("the topic; not given: any"),
    KEY_EXPECTED_ROWS,
    KEY_STRING_ROW(response_topic, "my/answers", "where it wants a reply; not given: any"),
};

const struct keys case_output_keys = {"expect.publishes[].", KEYS_OF(output_list)};

static const struct key reply_list[] = {KEY_EXPECTED_ROWS};

const struct keys case_reply_keys = {"expect.reply.", KEYS_OF(reply_list)};

static const struct key log_list[] = {
    {
        .name = "matches",
        .type = KEY_TEXT,
        .required = true,
        .min = 1,
        .max = TEXT_MAX,
        .bounds = "1 to 65535 bytes",
        .example = "\"is no temperature$\"",
        .meaning = "an extended regular expression that a line matches",
        .load = case_load_log_regex,
    },
};

static const struct keys log_keys = {"expect.log[].", KEYS_OF(log_list)};

static const struct key_word result_words[] = {{"ok", PLAY_OK},           {"retry", PLAY_RETRY},
                                               {"reject", PLAY_REJECT},   {"crash", PLAY_CRASH},
                                               {"timeout", PLAY_TIMEOUT}, {NULL, 0}};

static const struct key_word order_words[] = {{"given", false}, {"any", true}, {NULL, 0}};

static const struct key_word reply_words[] = {{"none", CASE_REPLY_NONE}, {NULL, 0}};

static const struct key expect_list[] = {
    {
        .name = "result",
        .type = KEY_CHOICE,
        .initial = "ok",
        .example = "reject",
        .meaning = "how the last message ends; those before it end well",
        .words = result_words,
        KEY_MEMBER(struct test_case, expect.result),
    },
    {
        .name = "publishes",
        .type = KEY_MAPS,
        .min = 0,
        .max = CASE_MESSAGES_MAX,
        .bounds = "at most 1000",
        .example = "[ { topic: home/kitchen/heater, payload: \"on\" } ]",
        .meaning = "all that is published, replies apart; not given: anything",
        .inside = &case_output_keys,
        .load = case_load_messages,
        KEY_MEMBER(struct test_case, expect.publishes),
    },
    {
        .name = "order",
        .type = KEY_CHOICE,
        .initial = "given",
        .example = "any",
        .meaning = "whether `publishes` stand in the order in which they are published",
        .words = order_words,
        KEY_MEMBER(struct test_case, expect.any_order),
    },
    {
        .name = "reply",
        .type = KEY_NETWORK,
        .example = "{ payload: \"4\" }",
        .meaning = "the answer to the last message; `none`: there is none; not given: any",
        .words = reply_words,
        .inside = &case_reply_keys,
        .load = case_load_reply,
    },
    {
        .name = "log",
        .type = KEY_TEXTS,
        .min = 0,
        .max = CASE_MESSAGES_MAX,
        .bounds = "at most 1000",
        .example = "[ is no temperature ]",
        .meaning = "for each of them there is a line in the function's log with that text in it",
        .inside = &log_keys,
        .load = case_load_logs,
    },
    {
        .name = "within",
        .type = KEY_DURATION,
        .min = NS_PER_MS,
        .max = 3600 * NS_PER_S,
        .example = "50ms",
        .meaning = "the longest that each message may take, the start of a worker not counted",
        KEY_MEMBER(struct test_case, expect.within_ns),
    },
};

static const struct keys expect_keys = {"expect.", KEYS_OF(expect_list)};

/* ---- cases ---- */

static const struct key case_list[] = {
    {
        .name = "name",
        .type = KEY_TEXT,
        .min = 1,
        .max = NAME_MAX_BYTES,
        .bounds = "1 to 200 bytes",
        .example = "a cold room turns its heater on",
        .meaning = "what the case claims; not given: the topic of its message",
        KEY_MEMBER(struct test_case, name),
    },
    {
        .name = "config",
        .type = KEY_PAIRS,
        .min = 0,
        .max = MANIFEST_CONFIG_MAX,
        .bounds = "at most 256",
        .example = "{ setpoint: \"21.5\" }",
        .meaning = "values over those of the file and of the manifest",
        .load = case_load_config,
        KEY_MEMBER(struct test_case, config),
    },
    {
        .name = "before",
        .type = KEY_ONE_OR_MAPS,
        .min = 1,
        .max = CASE_MESSAGES_MAX,
        .bounds = "a message, or up to 1000 of them",
        .example = "{ topic: home/kitchen/temperature, payload: \"25\" }",
        .meaning = "messages to the same worker before it; they end well, what they publish does not count",
        .inside = &case_given_keys,
        .load = case_load_messages,
        KEY_MEMBER(struct test_case, before),
    },
    {
        .name = "given",
        .type = KEY_ONE_OR_MAPS,
        .required = true,
        .min = 1,
        .max = CASE_MESSAGES_MAX,
        .bounds = "a message, or up to 1000 of them",
        .example = "{ topic: home/kitchen/temperature, payload: \"19.0\" }",
        .meaning = "the message, or messages one after the other to one worker",
        .inside = &case_given_keys,
        .load = case_load_messages,
        KEY_MEMBER(struct test_case, given),
    },
    {
        .name = "expect",
        .type = KEY_MAP,
        .example = "{ result: ok, publishes: [] }",
        .meaning = "what is to happen; not given: that it ends well",
        .inside = &expect_keys,
    },
};

const struct keys case_keys = {"cases[].", KEYS_OF(case_list)};

static const struct key file_list[] = {
    {
        .name = "function",
        .type = KEY_TEXT,
        .min = 1,
        .max = 4095,
        .bounds = "1 to 4095 bytes",
        .example = "thermostat.yaml",
        .meaning = "its manifest, or a .so alone, from the folder of this file; not given: NAME.yaml of "
                   "NAME.test.yaml",
        KEY_MEMBER(struct case_file, function),
    },
    {
        .name = "config",
        .type = KEY_PAIRS,
        .min = 0,
        .max = MANIFEST_CONFIG_MAX,
        .bounds = "at most 256",
        .example = "{ setpoint: \"21.5\" }",
        .meaning = "values over those of the manifest, for all cases",
        .load = case_load_config,
        KEY_MEMBER(struct case_file, config),
    },
    {
        .name = "cases",
        .type = KEY_MAPS,
        .required = true,
        .min = 1,
        .max = CASES_MAX,
        .bounds = "1 to 1000 cases",
        .example = "[ { given: { topic: a/b }, expect: { result: ok } } ]",
        .meaning = "the cases; each has a worker of its own",
        .inside = &case_keys,
        .load = case_load_cases,
    },
};

const struct keys case_file_keys = {"", KEYS_OF(file_list)};
