/* trigger.h: which trigger does a message fire, and what is its order key? Pure. */
#ifndef HARK_DISPATCHER_TRIGGER_H
#define HARK_DISPATCHER_TRIGGER_H

#include "manifest/manifest.h"
#include "mqtt/mqtt.h"
#include "shared/topic.h"

/* What a trigger captured, in a few bytes: for a message that is on its way to a worker. */
struct trigger_note {
    const struct manifest_trigger *trigger;
    uint8_t count; /* of items; TRIGGER_NOTE_MAX + 1: there are more than fit */
    struct {
        uint16_t name_at, value_at, value_len; /* in the trigger's topic; in the message's */
        uint8_t name_len;
    } items[2];
};
enum { TRIGGER_NOTE_MAX = 2 };
struct trigger_note trigger_note(const struct manifest_trigger *trigger, struct slice topic,
                                 const struct topic_captures *captures);
/* The captures again, of the same topic. */
void trigger_recall(const struct trigger_note *note, struct slice topic, struct topic_captures *ret_captures);

/* The trigger for the message, or NULL. The broker's subscription identifier decides where it names a trigger
 * that does match (overlapping triggers get a copy each); else the first that matches. Subscription
 * identifier n stands for trigger n - 1. */
const struct manifest_trigger *trigger_find(const struct manifest *m, const struct mqtt_message *message,
                                            struct topic_captures *ret_captures);

/* The timer trigger of that name (manifest_trigger.timer), or NULL. */
const struct manifest_trigger *trigger_find_timer(const struct manifest *m, const char *timer);

/* The key that the message's order goes by, borrowed from the message or static; data == NULL: none. A
 * message that fires nothing has none, and a tick only where all go one after the other. */
struct slice trigger_order_key(const struct manifest *m, const struct mqtt_message *message);

/* The manifest's topics as subscriptions. `filters` has room for MANIFEST_TRIGGERS_MAX items; the strings
 * they point to are in *ret_memory, which the caller frees. Returns how many, or -ENOMEM. */
__attribute__((warn_unused_result)) int trigger_filters(const struct manifest *m, struct mqtt_filter *filters,
                                                        char **ret_memory);

#endif
