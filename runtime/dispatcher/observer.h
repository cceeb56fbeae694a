/* observer.h: what happens to messages, as it happens, for `hark dev`. All borrowed, on the loop thread. */
#ifndef HARK_DISPATCHER_OBSERVER_H
#define HARK_DISPATCHER_OBSERVER_H

#include "mqtt/mqtt.h"

#include <stdint.h>

struct observer {
    /* A message came for the function. A timer's tick is one without a topic (data == NULL), and its user
     * property hark-trigger names the timer. */
    void (*received)(void *user, const char *function, const struct mqtt_message *message);
    /* An invocation ended: outcome in words ("ok", "retry", "reject", "crash: …"), and how long it took. */
    void (*finished)(void *user, const char *function, const struct mqtt_message *message,
                     const char *outcome, uint64_t duration_ns);
    /* An output (or dead letter) is handed to the broker. */
    void (*published)(void *user, const char *function, const struct mqtt_publish *publish);
    /* What was published since `finished` came of that, and no more comes of it now. Once for each
     * `finished`. */
    void (*settled)(void *user);
};

#endif
