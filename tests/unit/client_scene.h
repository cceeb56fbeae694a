/* client_scene.h: one client and a broker that does what a test tells it, on one loop, over real sockets.
 *
 * The broker takes whole packets from what it reads and remembers them. It answers CONNECT, SUBSCRIBE and
 * PINGREQ by itself, as far as it is told to; all else is said by the test, byte by byte. A test waits for a
 * condition; a guard of GUARD_MS only keeps a failure from lasting for ever. */
#ifndef HARK_TESTS_CLIENT_SCENE_H
#define HARK_TESTS_CLIENT_SCENE_H

#include "mqtt/client.h"
#include "shared/buffer.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { GUARD_MS = 20000, TOLD_MAX = 256, VISITS_MAX = 64, PACKETS_MAX = 4096, HEAD_BYTES = 64 };

/* One state event. */
struct told {
    enum mqtt_state state;
    enum mqtt_cause cause;
    bool resumed;
    char text[256];
    uint64_t retry_ns;
};

/* One packet that the broker got. */
struct packet_seen {
    uint8_t head[HEAD_BYTES]; /* its first bytes */
    size_t len;
    unsigned visit; /* 1: the first connection */
};

struct visit {
    uv_tcp_t tcp;
    struct scene *scene;
    struct buffer in;
    unsigned number;
    bool gone; /* EOF or an error from the client */
    bool open; /* the handle is in use */
};

struct scene {
    uv_loop_t loop;
    struct mqtt_io *io;
    struct mqtt_client *client;
    struct mqtt_client_options options;
    uv_timer_t guard;
    bool late;

    /* the broker, and what it is told to do */
    uv_tcp_t listener;
    bool listening;
    uint16_t port;
    struct slice connack;      /* absent: says nothing */
    struct slice connack_of_3; /* to a CONNECT of 3.1.1; absent: the same as to all */
    bool drops_at_accept;
    bool keeps_open; /* after EOF */
    bool ignores_pings;
    bool reads_nothing;
    struct visit visits[VISITS_MAX];
    unsigned visit_count;
    uint64_t accepted_ns[VISITS_MAX];
    struct packet_seen packets[PACKETS_MAX];
    unsigned packet_count;
    uint64_t bytes_got;

    /* what the client told */
    struct told told[TOLD_MAX];
    unsigned told_count;
    unsigned messages, published, subscribed, closed;
    unsigned reason; /* that each publish must come back with */
    size_t payload_len;
    uint32_t payload_sum;
    bool releases;                /* each message at once */
    bool answers;                 /* each message at once, "abc" at QoS 1 */
    bool releases_when_published; /* the one that is held, with the next answer to a publish */
    struct mqtt_message *held;
    bool closes_on_message, closes_on_state;
    enum mqtt_state closes_in;
    bool ends_session;
    unsigned wanted; /* for conditions */
};

extern const struct slice connack_5, connack_3;

int scene_begin(void **state); /* cmocka's setup and teardown */
int scene_end(void **state);

void listen_on(struct scene *s, const char *address);
void stop_listening(struct scene *s);
void given_a_client_of(struct scene *s, const char *host);
void given_an_online_client(struct scene *s);
void publish_answer(struct scene *s); /* "abc" to topic "u", at QoS 1 */
void close_and_wait(struct scene *s);

/* Runs the loop until the condition holds; fails when it never does. */
void wait_for(struct scene *s, bool (*condition)(const struct scene *));
bool is_online(const struct scene *s);
bool is_offline(const struct scene *s);
bool is_closed(const struct scene *s);
bool has_messages(const struct scene *s); /* s->wanted of them; likewise below */
bool has_visits(const struct scene *s);
bool has_packets(const struct scene *s);
bool has_told(const struct scene *s);

struct visit *current(struct scene *s); /* the broker's newest connection */
void say(struct scene *s, const void *bytes, size_t len);
#define SAY(scene, ...) say(scene, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
void hang_up(struct scene *s);
void reset_connection(struct scene *s);
void start_reading(struct scene *s);

/* A PUBLISH at QoS 1 to topic "t" in MQTT 5; its length in bytes. */
size_t put_publish(struct buffer *out, uint16_t id, size_t payload_len);

unsigned count_packets(const struct scene *s, uint8_t first_byte);
const struct packet_seen *last_packet(const struct scene *s);
const struct told *last_told(const struct scene *s);

#endif
