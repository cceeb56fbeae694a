/* device.h: an MQTT client of the tests, with a thread of libmosquitto's that keeps it going.
 *
 * Calls are for the test's main thread; messages are collected by the client's thread. */
#ifndef TESTS_SUPPORT_DEVICE_H
#define TESTS_SUPPORT_DEVICE_H

#include "support/message.h"
#include "support/tally.h"

#include <stdint.h>

struct device;

struct device_options {
    uint16_t port;
    const char *id;
    const char *username, *password; /* NULL: none */
    bool is_v311;                    /* MQTT 3.1.1 instead of 5 */
    bool resumes;                    /* not clean: takes up the session of that id */
};

/* Connected when it returns; disconnected at the end of the test. */
struct device *device_connect(uint16_t port, const char *id);
struct device *device_connect_with(const struct device_options *o);
void device_disconnect(struct device *d);
bool device_found_session(const struct device *d); /* the broker had a session of that id */

void device_subscribe(struct device *d, const char *filter, int qos); /* waits for the SUBACK */

/* Waits for the broker's acknowledgement when qos > 0. */
void device_publish(struct device *d, const char *topic, const char *payload, int qos);
void device_publish_message(struct device *d, const struct message *m);

/* Publishes "0", "1", … to topic at QoS 1 from a thread of its own, with at most `window` unacknowledged.
 * device_flood_join waits until the broker has acknowledged the last of them. */
void device_flood(struct device *d, const char *topic, size_t n, size_t window);
void device_flood_join(struct device *d);
/* The same, each to a topic of its own: topic/0, topic/1, … */
void device_flood_topics(struct device *d, const char *topic, size_t n, size_t window);

/* The next message that came on a topic that matches the filter, in the order they came; those before it that
 * do not match stay for another call. Fails the test when none comes. Borrowed until the end of the test. */
const struct message *device_wait(struct device *d, const char *filter);

/* The payload of device_wait is this text. */
void device_expect(struct device *d, const char *filter, const char *payload);

/* Messages that came on topics that match, taken or not. */
size_t device_count(struct device *d, const char *filter);

/* Counts payloads from now on instead of collecting the messages. */
void device_tally(struct device *d, struct tally *t);

#endif
