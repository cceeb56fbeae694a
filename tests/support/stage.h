/* stage.h: how most system tests begin: a broker, a hark that watches an empty folder, a device. */
#ifndef TESTS_SUPPORT_STAGE_H
#define TESTS_SUPPORT_STAGE_H

#include "support/device.h"
#include "support/hark.h"
#include "support/mosquitto_broker.h"
#include "support/test.h"

struct stage {
    struct broker *broker;
    struct hark *hark;
    struct device *phone; /* listens to out/# and hark/dead/# at QoS 2 */
};

struct stage stage_set(void);
struct stage stage_set_3_1_1(void); /* hark is told to speak MQTT 3.1.1 */

/* A manifest of the puppet (tests/system/functions/puppet.c): it listens to puppet/do and may publish to
 * out/#. */
#define PUPPET_MANIFEST                                                                                      \
    "function: puppet\n"                                                                                     \
    "handler: puppet.so\n"                                                                                   \
    "triggers: [ { topic: puppet/do } ]\n"                                                                   \
    "publishes: [ \"out/#\" ]\n"

/* Deploys the puppet with more lines of manifest, and waits for it. */
void stage_puppet(struct stage *s, const char *more_manifest);

/* Tells the puppet what to do, at QoS 1. */
void stage_tell(struct stage *s, const char *what);

/* The dead letter, and the log, say that it died of what matches; in MQTT 3.1.1 it says nothing, and the log
 * has to do. The log's lines before are over: hark_wait_line. */
void stage_died_of(struct stage *s, const struct message *dead, const char *reason);

/* The next message to `topic` is `payload`. */
void stage_expect(struct stage *s, const char *topic, const char *payload);

/* Tells the puppet to say something and waits for it: all before it is over, when the order is `topic`. */
void stage_still_serves(struct stage *s);

#endif
