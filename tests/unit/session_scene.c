/* session_scene.c: the broker's packets as bytes, the session's packets as words. */
#include "session_scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAID_MAX = 100 }; /* bytes of a payload */

/* ---- words ---- */

static void say(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char *text, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    if (len)
        len += (size_t)snprintf(text + len, SCENE_TEXT_MAX - len, "; ");
    va_start(args, format);
    vsnprintf(text + len, SCENE_TEXT_MAX - len, format, args);
    va_end(args);
}

/* ---- events ---- */

static void on_online(void *user, bool resumed)
{
    struct scene *scene = user;
    say(scene->events, resumed ? "resumed" : "online");
}

static void on_message(void *user, struct mqtt_message *message)
{
    struct scene *scene = user;
    assert_true(scene->message_count < SCENE_MESSAGES_MAX);
    scene->messages[scene->message_count++] = message;
    int said = message->payload.len < SAID_MAX ? (int)message->payload.len : (int)SAID_MAX;
    say(scene->events, "message %.*s=%.*s", SLICE_ARG(message->topic), said, message->payload.data);
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct scene *scene = user;
    say(scene->events, "published %u 0x%02x", (unsigned)(uintptr_t)token, reason);
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    struct scene *scene = user;
    say(scene->events, "subscribed %zu 0x%02x", index, reason);
}

static void on_unsubscribed(void *user)
{
    struct scene *scene = user;
    say(scene->events, "unsubscribed");
}

static const struct mqtt_session_events events = {
    .online = on_online,
    .message = on_message,
    .published = on_published,
    .subscribed = on_subscribed,
    .unsubscribed = on_unsubscribed,
};

/* ---- the stage ---- */

struct scene *scene_init(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->now_ns = 1000 * NS_PER_S;
    slabs_init(&scene->slabs);
    scene->options = (struct mqtt_session_options){
        .client_id = "hark/test/f",
        .protocol = MQTT_5,
        .session_expiry_s = 86400,
        .receive_maximum = 10,
        .keep_alive_s = 60,
        .packet_max_bytes = 65536,
        .offline_qos0_max = 3,
        .slabs = &scene->slabs,
    };
    return scene;
}

void scene_finish(struct scene *scene)
{
    if (scene->session)
        mqtt_session_destroy(scene->session);
    slabs_finish(&scene->slabs);
    free(scene);
}

int scene_setup(void **state)
{
    *state = scene_init();
    return 0;
}

int scene_teardown(void **state)
{
    scene_finish(*state);
    return 0;
}

static void create(struct scene *scene)
{
    if (!scene->session)
        scene->session = mqtt_session_create(&scene->options, &events, scene);
    assert_non_null(scene->session);
}

void scene_connect(struct scene *scene)
{
    create(scene);
    mqtt_session_opened(scene->session, scene->now_ns);
    then_sent(scene, "CONNECT");
}

void scene_online(struct scene *scene)
{
    scene_connect(scene);
    broker_connack(scene, false, 0, NULL, 0);
    then_events(scene, "online");
}

void scene_cut(struct scene *scene)
{
    mqtt_session_lost(scene->session, scene->now_ns);
}

void scene_reconnect(struct scene *scene, bool session_present)
{
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, session_present, 0, NULL, 0);
    then_events(scene, session_present ? "resumed" : "online");
}

/* ---- the broker ---- */

void broker_sends(struct scene *scene, const void *bytes, size_t len)
{
    size_t used;
    /* A copy of just that size lets the sanitizer see a read past the end. */
    uint8_t *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    scene->result = mqtt_session_input(scene->session, exact, len, scene->now_ns, &used);
    free(exact);
    if (scene->result == 0)
        assert_int_equal(used, len);
}

static bool speaks_5(const struct scene *scene)
{
    return mqtt_session_protocol(scene->session) == MQTT_5;
}

/* header, remaining length, then the parts; all packets of the tests are shorter than 16384 bytes. */
static void send_packet(struct scene *scene, uint8_t header, const void *body, size_t len)
{
    uint8_t packet[SCENE_PACKET_MAX + 3] = {header};
    size_t at = 1;
    assert_true(len <= SCENE_PACKET_MAX);
    if (len > 127)
        packet[at++] = (uint8_t)(0x80 | (len & 0x7f));
    packet[at++] = (uint8_t)(len > 127 ? len >> 7 : len);
    memcpy(packet + at, body, len);
    broker_sends(scene, packet, at + len);
}

void broker_connack(struct scene *scene, bool session_present, uint8_t reason, const void *properties,
                    size_t len)
{
    uint8_t body[128] = {session_present, reason, (uint8_t)len};
    if (len)
        memcpy(body + 3, properties, len);
    send_packet(scene, 0x20, body, speaks_5(scene) ? 3 + len : 2);
}

static size_t put_bytes(uint8_t *body, size_t at, const void *bytes, size_t len)
{
    assert_true(at + len <= SCENE_PACKET_MAX);
    if (len)
        memcpy(body + at, bytes, len);
    return at + len;
}

static size_t put_number(uint8_t *body, size_t at, size_t number)
{
    return put_bytes(body, at, (uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number}, 2);
}

void broker_publishes_with(struct scene *scene, uint8_t flags, uint16_t id, const char *topic,
                           const void *properties, size_t properties_len, const char *payload)
{
    uint8_t body[SCENE_PACKET_MAX];
    size_t at = put_number(body, 0, strlen(topic));
    at = put_bytes(body, at, topic, strlen(topic));
    if (flags & 6)
        at = put_number(body, at, id);
    if (speaks_5(scene))
        body[at++] = (uint8_t)properties_len;
    at = put_bytes(body, at, properties, properties_len);
    at = put_bytes(body, at, payload, strlen(payload));
    send_packet(scene, 0x30 | flags, body, at);
}

void broker_publishes(struct scene *scene, unsigned qos, uint16_t id, const char *topic, const char *payload)
{
    broker_publishes_with(scene, (uint8_t)(qos << 1), id, topic, NULL, 0, payload);
}

void broker_acks(struct scene *scene, enum packet_type type, uint16_t id, uint8_t reason)
{
    uint8_t body[3] = {(uint8_t)(id >> 8), (uint8_t)id, reason};
    send_packet(scene, (uint8_t)(type << 4 | (type == PACKET_PUBREL ? 2 : 0)), body, reason ? 3 : 2);
}

void broker_subacks(struct scene *scene, enum packet_type type, uint16_t id, uint8_t reason)
{
    uint8_t body[4] = {(uint8_t)(id >> 8), (uint8_t)id};
    size_t at = 2;
    if (speaks_5(scene))
        body[at++] = 0;
    if (speaks_5(scene) || type == PACKET_SUBACK)
        body[at++] = reason;
    send_packet(scene, (uint8_t)(type << 4), body, at);
}

/* ---- the user and the clock ---- */

void user_publishes(struct scene *scene, unsigned qos, const char *topic, const char *payload,
                    uintptr_t token)
{
    struct mqtt_publish publish = {
        .topic = slice_of(topic), .payload = slice_of(payload), .qos = (uint8_t)qos};
    create(scene);
    assert_int_equal(mqtt_session_publish(scene->session, &publish, (void *)token), 0);
}

void user_releases(struct scene *scene, size_t index)
{
    assert_true(index < scene->message_count && scene->messages[index]);
    mqtt_session_release(scene->session, scene->messages[index]);
    scene->messages[index] = NULL;
}

void user_subscribes(struct scene *scene, const struct mqtt_filter *filters, size_t count)
{
    create(scene);
    assert_int_equal(mqtt_session_subscribe(scene->session, filters, count, NULL, 0), 0);
}

void time_passes(struct scene *scene, unsigned seconds)
{
    uint64_t end_ns = scene->now_ns + seconds * NS_PER_S;
    uint64_t due_ns = mqtt_session_deadline(scene->session);
    if (due_ns > end_ns) {
        scene->now_ns = end_ns;
        return;
    }
    if (due_ns > scene->now_ns)
        scene->now_ns = due_ns;
    scene->result = mqtt_session_tick(scene->session, scene->now_ns);
}

/* ---- the session's packets as words ---- */

struct reader {
    const uint8_t *at, *end;
    bool is_5;
};

static unsigned take(struct reader *r, size_t bytes)
{
    unsigned number = 0;
    assert_true((size_t)(r->end - r->at) >= bytes);
    while (bytes--)
        number = number << 8 | *r->at++;
    return number;
}

static unsigned take_variable(struct reader *r)
{
    unsigned number = 0, shift = 0, byte;
    do {
        byte = take(r, 1);
        number |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return number;
}

static struct slice take_bytes(struct reader *r, size_t len)
{
    struct slice bytes = slice_make(r->at, len);
    assert_true((size_t)(r->end - r->at) >= len);
    r->at += len;
    return bytes;
}

static struct slice take_properties(struct reader *r)
{
    return r->is_5 ? take_bytes(r, take_variable(r)) : (struct slice){0};
}

static void say_publish(char *text, struct reader *r, uint8_t flags)
{
    unsigned qos = flags >> 1 & 3;
    struct slice topic = take_bytes(r, take(r, 2));
    unsigned id = qos ? take(r, 2) : 0;
    struct slice properties = take_properties(r);
    struct slice payload = take_bytes(r, (size_t)(r->end - r->at));
    say(text, "PUBLISH %u q%u%s%s%s %.*s=%.*s", id, qos, flags & 8 ? " dup" : "", flags & 1 ? " retain" : "",
        properties.len ? " properties" : "", SLICE_ARG(topic), SLICE_ARG(payload));
}

static void say_ack(char *text, const char *name, struct reader *r)
{
    unsigned id = take(r, 2);
    if (r->at == r->end)
        say(text, "%s %u", name, id);
    else
        say(text, "%s %u 0x%02x", name, id, take(r, 1));
}

static void say_subscribe(char *text, struct reader *r)
{
    char extra[64] = "";
    unsigned id = take(r, 2);
    struct slice properties = take_properties(r);
    if (properties.len) {
        struct reader p = {(const uint8_t *)properties.data,
                           (const uint8_t *)properties.data + properties.len, true};
        assert_int_equal(take(&p, 1), 0x0b);
        snprintf(extra, sizeof extra, " sid%u", take_variable(&p));
    }
    struct slice filter = take_bytes(r, take(r, 2));
    unsigned options = take(r, 1);
    say(text, "SUBSCRIBE %u %.*s q%u rh%u%s", id, SLICE_ARG(filter), options & 3, options >> 4, extra);
}

static void say_unsubscribe(char *text, struct reader *r)
{
    unsigned id = take(r, 2);
    take_properties(r);
    struct slice filter = take_bytes(r, take(r, 2));
    say(text, "UNSUBSCRIBE %u %.*s", id, SLICE_ARG(filter));
}

static void say_disconnect(char *text, struct reader *r)
{
    if (r->at == r->end) {
        say(text, "DISCONNECT");
        return;
    }
    unsigned reason = take(r, 1);
    struct slice properties = r->at < r->end ? take_properties(r) : (struct slice){0};
    say(text, "DISCONNECT 0x%02x%s", reason, properties.len ? " expiry" : "");
    if (properties.len)
        assert_memory_equal(properties.data, "\x11\0\0\0\0", 5);
}

static void say_packet(char *text, uint8_t header, struct reader *r)
{
    enum packet_type type = header >> 4;
    bool must_be_2 = type == PACKET_PUBREL || type == PACKET_SUBSCRIBE || type == PACKET_UNSUBSCRIBE;
    if (type != PACKET_PUBLISH)
        assert_int_equal(header & 15, must_be_2 ? 2 : 0);
    if (type == PACKET_PUBLISH)
        say_publish(text, r, header & 15);
    else if (type >= PACKET_PUBACK && type <= PACKET_PUBCOMP)
        say_ack(text, packet_type_name(type), r);
    else if (type == PACKET_SUBSCRIBE)
        say_subscribe(text, r);
    else if (type == PACKET_UNSUBSCRIBE)
        say_unsubscribe(text, r);
    else if (type == PACKET_DISCONNECT)
        say_disconnect(text, r);
    else
        say(text, "%s", packet_type_name(type));
}

void then_sent(struct scene *scene, const char *words)
{
    char text[SCENE_TEXT_MAX] = "";
    struct buffer *out = mqtt_session_output(scene->session);
    const uint8_t *first = buffer_length(out) ? buffer_data(out) : (const uint8_t *)"";
    struct reader all = {first, first + buffer_length(out), speaks_5(scene)};
    while (all.at < all.end) {
        uint8_t header = (uint8_t)take(&all, 1);
        struct slice body = take_bytes(&all, take_variable(&all));
        struct reader one = {(const uint8_t *)body.data, (const uint8_t *)body.data + body.len, all.is_5};
        say_packet(text, header, &one);
    }
    buffer_consume(out, buffer_length(out));
    assert_string_equal(text, words);
}

void then_events(struct scene *scene, const char *words)
{
    assert_string_equal(scene->events, words);
    scene->events[0] = '\0';
}

void then_over(struct scene *scene, enum mqtt_cause cause, const char *words)
{
    const char *text;
    assert_int_equal(scene->result, -EPROTO);
    assert_int_equal(mqtt_session_cause(scene->session, &text), cause);
    if (!strstr(text, words))
        fail_msg("'%s' does not say '%s'", text, words);
    assert_int_not_equal(mqtt_session_state(scene->session), MQTT_ONLINE);
}

struct mqtt_session_counts counts_of(const struct scene *scene)
{
    struct mqtt_session_counts counts;
    mqtt_session_counts(scene->session, &counts);
    return counts;
}
