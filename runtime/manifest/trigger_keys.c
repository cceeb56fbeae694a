#include "manifest/manifest_keys.h"

#include "shared/clock.h"
#include "shared/topic.h"

#define DAY (24 * 3600 * NS_PER_S)

static const char *check_trigger_topic(struct slice text)
{
    if (slice_starts_with(text, "$share/"))
        return "'$share/...' is written as two keys: write share: NAME beside the topic without $share/NAME/";
    return NULL;
}

static const char *check_share(struct slice text)
{
    if (memchr(text.data, '/', text.len) || memchr(text.data, '+', text.len) ||
        memchr(text.data, '#', text.len))
        return "a share's name has no / + # in it (MQTT-4.8.2-1): write for instance heating";
    return NULL;
}

static const char *check_timezone(struct slice text)
{
    return zone_name_check(text);
}

static const struct key_word retained_words[] = {{"deliver", true}, {"skip", false}, {NULL, 0}};

static const struct key trigger_list[] = {
    {
        .name = "topic",
        .type = KEY_PATTERN,
        .min = 1,
        .max = TOPIC_MAX,
        .bounds = "1 to 65535 bytes, at most 16 names",
        .example = "home/{room}/temperature",
        .meaning = "what to listen to: an MQTT filter with + and #; a level {name} is a + whose value the "
                   "function can ask for",
        .check = check_trigger_topic,
        KEY_MEMBER(struct manifest_trigger, topic),
    },
    {
        .name = "qos",
        .type = KEY_COUNT,
        .initial = "1",
        .min = 0,
        .max = 2,
        .example = "1",
        .meaning =
            "MQTT quality of service of the subscription: 0 at most once, 1 at least once, 2 exactly once",
        KEY_MEMBER(struct manifest_trigger, qos),
    },
    {
        .name = "retained",
        .type = KEY_CHOICE,
        .initial = "deliver",
        .example = "skip",
        .meaning = "what to do with messages that were retained before the subscription",
        .words = retained_words,
        KEY_MEMBER(struct manifest_trigger, retained),
    },
    {
        .name = "share",
        .type = KEY_TEXT,
        .min = 1,
        .max = MANIFEST_SHARE_MAX,
        .bounds = "1 to 64 bytes, no / + #",
        .example = "heating",
        .meaning = "all that subscribe under this name share the messages: each goes to one of them",
        .regex = "^[^/+#]+$",
        .check = check_share,
        KEY_MEMBER(struct manifest_trigger, share),
    },
    {
        .name = "every",
        .type = KEY_DURATION,
        .min = 100 * NS_PER_MS,
        .max = 365 * DAY,
        .example = "30s",
        .meaning = "instead of a topic: a timer, which runs the function again and again after that time",
        KEY_MEMBER(struct manifest_trigger, every_ns),
    },
    {
        .name = "cron",
        .type = KEY_TEXT,
        .min = 1,
        .max = CRON_TEXT_MAX,
        .bounds = "five fields, or @hourly, @daily, @weekly, @monthly, @yearly",
        .example = "\"0 6 * * *\"",
        .meaning = "instead of a topic: a timer by the clock: minute, hour, day of the month, month, day of "
                   "the week",
        .load = manifest_load_cron,
        KEY_MEMBER(struct manifest_trigger, cron_text),
    },
    {
        .name = "timezone",
        .type = KEY_TEXT,
        .initial = "UTC",
        .min = 1,
        .max = ZONE_NAME_MAX,
        .bounds = "a name of tzdata's, at most 64 bytes; only with cron",
        .example = "Europe/Berlin",
        .meaning = "where the clock is that cron goes by",
        .regex = "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$",
        .check = check_timezone,
        .load = manifest_load_timezone,
        KEY_MEMBER(struct manifest_trigger, timezone),
    },
};

static const char *const trigger_kinds[] = {"topic", "every", "cron", NULL};

const struct keys manifest_trigger_keys = {"triggers[].", KEYS_OF(trigger_list), .one_of = trigger_kinds};
