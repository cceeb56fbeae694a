#include "dispatcher/trigger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool matches(const struct manifest_trigger *trigger, const struct mqtt_message *message,
                    struct topic_captures *ret_captures)
{
    return trigger->topic && topic_match(slice_of(trigger->topic), message->topic, ret_captures);
}

const struct manifest_trigger *trigger_find(const struct manifest *m, const struct mqtt_message *message,
                                            struct topic_captures *ret_captures)
{
    for (unsigned i = 0; i < message->subscription_id_count; i++) {
        uint32_t id = message->subscription_ids[i];
        if (id >= 1 && id <= m->trigger_count && matches(&m->triggers[id - 1], message, ret_captures))
            return &m->triggers[id - 1];
    }
    for (size_t i = 0; i < m->trigger_count; i++) {
        if (matches(&m->triggers[i], message, ret_captures))
            return &m->triggers[i];
    }
    return NULL;
}

const struct manifest_trigger *trigger_find_timer(const struct manifest *m, const char *timer)
{
    for (size_t i = 0; i < m->trigger_count; i++) {
        if (m->triggers[i].timer && strcmp(m->triggers[i].timer, timer) == 0)
            return &m->triggers[i];
    }
    return NULL;
}

struct trigger_note trigger_note(const struct manifest_trigger *trigger, struct slice topic,
                                 const struct topic_captures *captures)
{
    struct trigger_note note = {.trigger = trigger, .count = TRIGGER_NOTE_MAX + 1};
    if (captures->count > TRIGGER_NOTE_MAX)
        return note;
    note.count = (uint8_t)captures->count;
    for (size_t i = 0; i < captures->count; i++) {
        const struct topic_capture *c = &captures->items[i];
        note.items[i].name_at = (uint16_t)(c->name.data - trigger->topic);
        note.items[i].name_len = (uint8_t)c->name.len;
        note.items[i].value_at = (uint16_t)(c->value.data - topic.data);
        note.items[i].value_len = (uint16_t)c->value.len;
    }
    return note;
}

void trigger_recall(const struct trigger_note *note, struct slice topic, struct topic_captures *ret_captures)
{
    ret_captures->count = note->count;
    if (note->count > TRIGGER_NOTE_MAX) {
        (void)topic_match(slice_of(note->trigger->topic), topic, ret_captures);
        return;
    }
    for (size_t i = 0; i < note->count; i++)
        ret_captures->items[i] = (struct topic_capture){
            slice_make(note->trigger->topic + note->items[i].name_at, note->items[i].name_len),
            slice_make(topic.data + note->items[i].value_at, note->items[i].value_len)};
}

static struct slice capture_value(const struct topic_captures *captures, const char *name)
{
    for (size_t i = 0; i < captures->count; i++) {
        if (slice_equal(captures->items[i].name, slice_of(name)))
            return captures->items[i].value;
    }
    return slice_make(NULL, 0);
}

struct slice trigger_order_key(const struct manifest *m, const struct mqtt_message *message)
{
    struct topic_captures captures;
    switch (m->order) {
    case ORDER_TOPIC:
        return message->topic;
    case ORDER_ALL:
        return slice_of("");
    case ORDER_CAPTURE:
        if (trigger_find(m, message, &captures))
            return capture_value(&captures, m->order_capture);
        break;
    case ORDER_NONE:
        break;
    }
    return slice_make(NULL, 0);
}

enum { SHARE_PREFIX_BYTES = sizeof "$share//" - 1 };

static size_t filter_bytes(const struct manifest_trigger *t)
{
    return (t->share ? SHARE_PREFIX_BYTES + strlen(t->share) : 0) + strlen(t->topic) + 1;
}

/* The filter with its NUL to `at`. Returns its length. */
static size_t write_filter(const struct manifest_trigger *t, char *at)
{
    size_t prefix = t->share ? (size_t)sprintf(at, "$share/%s/", t->share) : 0;
    return prefix + topic_pattern_to_filter(slice_of(t->topic), at + prefix);
}

int trigger_filters(const struct manifest *m, struct mqtt_filter *filters, char **ret_memory)
{
    size_t bytes = 1;
    int count = 0;
    for (size_t i = 0; i < m->trigger_count; i++)
        bytes += m->triggers[i].topic ? filter_bytes(&m->triggers[i]) : 0;
    char *memory = malloc(bytes), *at = memory;
    if (!memory)
        return -ENOMEM;
    for (size_t i = 0; i < m->trigger_count; i++) {
        const struct manifest_trigger *t = &m->triggers[i];
        if (!t->topic)
            continue;
        size_t len = write_filter(t, at);
        filters[count++] = (struct mqtt_filter){.filter = slice_make(at, len),
                                                .qos = t->qos,
                                                .want_retained = t->retained && !t->share,
                                                .subscription_id = (uint32_t)i + 1};
        at += len + 1;
    }
    *ret_memory = memory;
    return count;
}
