#include "cli/aim.h"

#include "dispatcher/trigger.h"

#include <errno.h>
#include <stdio.h>

enum { LIST_MAX = 300 };

/* The quoted names of the triggers of one kind, cut with … where they are too many. */
static const char *list_triggers(const struct manifest *m, bool timers, const char *none, char list[LIST_MAX])
{
    size_t used = 0, room = LIST_MAX - sizeof "…";
    snprintf(list, LIST_MAX, "%s", none);
    for (size_t i = 0; i < m->trigger_count; i++) {
        const char *name = timers ? m->triggers[i].timer : m->triggers[i].topic;
        if (!name)
            continue;
        int n = snprintf(list + used, room - used, "%s'%s'", used ? ", " : "", name);
        if (used + (size_t)n >= room) {
            snprintf(list + used, LIST_MAX - used, "…");
            break;
        }
        used += (size_t)n;
    }
    return list;
}

int aim_message(const struct manifest *m, const struct mqtt_message *message,
                struct topic_captures *ret_captures, struct diag *diag)
{
    char list[LIST_MAX];
    if (trigger_find(m, message, ret_captures))
        return 0;
    diag_set(diag, NULL, 0, 0, "topic '%.*s' does not trigger the function, which listens to %s",
             SLICE_ARG(message->topic), list_triggers(m, false, "timers only", list));
    return -ENOENT;
}

int aim_tick(const struct manifest *m, const char *timer, struct mqtt_message *message,
             struct property *property, struct diag *diag)
{
    char list[LIST_MAX];
    const struct manifest_trigger *t = trigger_find_timer(m, timer);
    if (!t) {
        diag_set(diag, NULL, 0, 0, "timer '%s': the function's timers are: %s", timer,
                 list_triggers(m, true, "none", list));
        return -ENOENT;
    }
    *property = (struct property){slice_of("hark-trigger"), slice_of(t->timer)};
    *message = (struct mqtt_message){.payload = slice_of(""), .properties = property, .property_count = 1};
    return 0;
}

int aim_parsed(const struct manifest *m, const struct parsed_message *parsed, struct aimed *ret,
               struct diag *diag)
{
    *ret = (struct aimed){.message = parsed->mqtt};
    if (parsed->timer)
        return aim_tick(m, parsed->timer, &ret->message, &ret->timer, diag);
    if (parsed->mqtt.payload.len <= m->limit_payload_bytes)
        return aim_message(m, &ret->message, &ret->captures, diag);
    diag_set(diag, NULL, 0, 0,
             "the payload has more than %llu bytes, which is this function's limits.payload",
             (unsigned long long)m->limit_payload_bytes);
    return -EMSGSIZE;
}
