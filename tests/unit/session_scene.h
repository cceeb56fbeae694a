/* session_scene.h: a session on a stage: the test plays the broker and the clock, and reads what the session
 * sends and calls as words.
 *
 * Packets sent, one after the other, joined by "; ": "CONNECT", "PUBLISH 3 q1 dup t=hello" (id, QoS, topic,
 * payload), "PUBACK 3", "PUBREL 3 0x92", "SUBSCRIBE 4 a/# q1 rh2 sid7", "UNSUBSCRIBE 5 a", "PINGREQ",
 * "DISCONNECT 0x81". Events likewise: "online", "resumed", "message t=hello", "published 7 0x00", "subscribed
 * 0 0x01", "unsubscribed". */
#ifndef HARK_TESTS_SESSION_SCENE_H
#define HARK_TESTS_SESSION_SCENE_H

#include "mqtt/packet.h"
#include "mqtt/session.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { SCENE_TEXT_MAX = 8192, SCENE_MESSAGES_MAX = 64, SCENE_PACKET_MAX = 4096 };

struct scene {
    struct mqtt_session *session;
    struct mqtt_session_options options;
    struct slabs slabs; /* where its messages come from */
    uint64_t now_ns;
    int result; /* of the last input or tick */
    char events[SCENE_TEXT_MAX];
    struct mqtt_message *messages[SCENE_MESSAGES_MAX]; /* delivered, in order */
    size_t message_count;
};

/* Each test starts with one of these; all fixtures end with scene_finish. The options are a persistent
 * session of MQTT 5 with keep-alive 60 s; change them between scene_init and scene_connect. */
struct scene *scene_init(void);
void scene_finish(struct scene *scene);
/* The stream is up: reads the CONNECT that must come. */
void scene_connect(struct scene *scene);
/* scene_connect and CONNACK 0. */
void scene_online(struct scene *scene);
/* The stream is cut, and up again with CONNACK 0. */
void scene_reconnect(struct scene *scene, bool session_present);
void scene_cut(struct scene *scene);

/* ---- the broker speaks: input() must return `0` unless the test reads scene->result itself ---- */
void broker_sends(struct scene *scene, const void *bytes, size_t len);
void broker_connack(struct scene *scene, bool session_present, uint8_t reason, const void *properties,
                    size_t len);
void broker_publishes(struct scene *scene, unsigned qos, uint16_t id, const char *topic, const char *payload);
void broker_publishes_with(struct scene *scene, uint8_t flags, uint16_t id, const char *topic,
                           const void *properties, size_t properties_len, const char *payload);
void broker_acks(struct scene *scene, enum packet_type type, uint16_t id, uint8_t reason);
void broker_subacks(struct scene *scene, enum packet_type type, uint16_t id, uint8_t reason);
#define BROKER_SENDS(scene, literal) broker_sends((scene), (literal), sizeof(literal) - 1)

/* ---- the user and the clock ---- */
void user_publishes(struct scene *scene, unsigned qos, const char *topic, const char *payload,
                    uintptr_t token);
void user_releases(struct scene *scene, size_t index);
void user_subscribes(struct scene *scene, const struct mqtt_filter *filters, size_t count);
/* tick() as soon as something is due, at most `seconds` from now. */
void time_passes(struct scene *scene, unsigned seconds);

/* ---- what came of it: all of it since the last look ---- */
void then_sent(struct scene *scene, const char *words);
void then_events(struct scene *scene, const char *words);
/* The connection is over, for that cause; the text contains the words. */
void then_over(struct scene *scene, enum mqtt_cause cause, const char *words);
struct mqtt_session_counts counts_of(const struct scene *scene);

int scene_setup(void **state);
int scene_teardown(void **state);
#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

#endif
