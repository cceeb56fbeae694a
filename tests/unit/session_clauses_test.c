/* What MQTT 5 asks of every client and is easily missed: each test names its clauses. */
#include "session_scene.h"

#include <stdio.h>
#include <string.h>

static void restart(struct scene *scene)
{
    if (scene->session)
        mqtt_session_destroy(scene->session);
    scene->session = NULL;
    scene->events[0] = '\0';
}

static void online_with(struct scene *scene, const void *properties, size_t len)
{
    scene_connect(scene);
    broker_connack(scene, false, 0, properties, len);
    then_events(scene, "online");
}

/* Online, and CONNECT had that property. */
static void online_saying(struct scene *scene, const void *property, size_t len)
{
    user_subscribes(scene, NULL, 0);
    mqtt_session_opened(scene->session, scene->now_ns);
    struct buffer *out = mqtt_session_output(scene->session);
    assert_non_null(memmem(buffer_data(out), buffer_length(out), property, len));
    then_sent(scene, "CONNECT");
    broker_connack(scene, false, 0, NULL, 0);
    then_events(scene, "online");
}

/* ---- the receiver of QoS 1 and 2 ---- */

/* MQTT-4.3.2-4, MQTT-4.3.3-8, MQTT-4.3.3-11. */
static void acks_carry_the_id_that_came(void **state)
{
    static const uint16_t ids[] = {1, 0x00ff, 0x0100, 0xffff};
    struct scene *scene = *state;
    char expected[64];
    scene_online(scene);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        broker_publishes(scene, 1, ids[i], "t", "a");
        user_releases(scene, 2 * i);
        broker_publishes(scene, 2, ids[i], "t", "b");
        user_releases(scene, 2 * i + 1);
        broker_acks(scene, PACKET_PUBREL, ids[i], 0);
        snprintf(expected, sizeof expected, "PUBACK %u; PUBREC %u; PUBCOMP %u", ids[i], ids[i], ids[i]);
        then_sent(scene, expected);
    }
}

/* MQTT-4.5.0-2; the second one expired on its way, which changes nothing (MQTT-4.3.3-13). */
static void what_nobody_asked_for_is_acknowledged_like_anything_else(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "never/asked/for", "a");
    broker_publishes_with(scene, 0x04, 2, "t", "\x02\0\0\0\0", 5, "");
    broker_publishes_with(scene, 0x02, 3, "t", "\x08\0\2r+", 5, "no response topic");
    for (size_t i = 0; i < 3; i++)
        user_releases(scene, i);
    broker_acks(scene, PACKET_PUBREL, 2, 0);
    then_sent(scene, "PUBACK 1; PUBREC 2; PUBACK 3; PUBCOMP 2");
}

/* MQTT-4.8.2-6: a refusal would make the server discard a message of a shared subscription, and after a
 * PUBREC that refuses, the id would be a new message (MQTT-4.3.3-9). No ack of ours has a reason code, not
 * even for what exceeds our Receive Maximum. */
static void no_ack_of_ours_refuses_a_message(void **state)
{
    struct scene *scene = *state;
    scene->options.receive_maximum = 1;
    user_subscribes(scene, &(struct mqtt_filter){.filter = slice_of("$share/g/t"), .qos = 2}, 1);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 $share/g/t q2 rh2");
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 2, 2, "t", "b");
    broker_publishes(scene, 2, 3, "t", "c");
    for (size_t i = 0; i < 3; i++)
        user_releases(scene, i);
    then_sent(scene, "PUBACK 1; PUBREC 2; PUBREC 3");
    broker_publishes_with(scene, 0x0c, 2, "t", NULL, 0, "b");
    then_sent(scene, "PUBREC 2");
    assert_int_equal(counts_of(scene).overflow, 2);
}

/* ---- the sender ---- */

/* MQTT-4.4.0-2. */
static void what_the_broker_refused_is_never_sent_again(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 2, "t", "b", 2);
    user_publishes(scene, 1, "t", "c", 3);
    then_sent(scene, "PUBLISH 1 q1 t=a; PUBLISH 2 q2 t=b; PUBLISH 3 q1 t=c");
    broker_acks(scene, PACKET_PUBACK, 1, 0x97);
    broker_acks(scene, PACKET_PUBREC, 2, 0x87);
    then_events(scene, "published 1 0x97; published 2 0x87");
    then_sent(scene, "");
    scene_reconnect(scene, true);
    then_sent(scene, "PUBLISH 3 q1 dup t=c");
    scene_reconnect(scene, false);
    then_sent(scene, "PUBLISH 4 q1 t=c");
}

static void publish_at_every_qos(struct scene *scene)
{
    struct property property = {slice_of("k"), slice_of("v")};
    struct mqtt_publish publish = {
        .topic = slice_of("a/long/topic"),
        .payload = slice_of("x"),
        .content_type = slice_of("c"),
        .response_topic = slice_of("r"),
        .correlation = slice_of("d"),
        .properties = &property,
        .property_count = 1,
        .expiry_s = 60,
        .has_expiry = true,
    };
    for (publish.qos = 0; publish.qos <= 2; publish.qos++)
        assert_int_equal(mqtt_session_publish(scene->session, &publish, NULL), 0);
}

/* Property 0x23 is in none of them, so each names its topic. */
static void then_publishes_without_alias_were_sent(struct scene *scene, size_t count)
{
    struct buffer *out = mqtt_session_output(scene->session);
    struct packet packet;
    struct packet_fault fault;
    while (count--) {
        size_t len = buffer_length(out);
        assert_int_equal(packet_decode(buffer_data(out), len, MQTT_5, len, &packet, &fault), 1);
        assert_int_equal(packet.type, PACKET_PUBLISH);
        assert_int_equal(packet.u.publish.topic_alias, 0);
        assert_true(slice_equal(packet.u.publish.topic, slice_of("a/long/topic")));
        assert_true(packet.u.publish.has_expiry && packet.u.publish.correlation.data);
        buffer_consume(out, packet.len);
    }
    assert_int_equal(buffer_length(out), 0);
}

/* MQTT-3.2.2-17, MQTT-3.2.2-18, MQTT-3.3.2-9: within any Topic Alias Maximum of the server. */
static void no_publish_of_ours_has_a_topic_alias(void **state)
{
    static const struct slice offers[] = {{"", 0}, {"\x22\0\0", 3}, {"\x22\0\1", 3}, {"\x22\xff\xff", 3}};
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        restart(scene);
        online_with(scene, offers[i].data, offers[i].len);
        publish_at_every_qos(scene);
        publish_at_every_qos(scene);
        then_publishes_without_alias_were_sent(scene, 6);
        scene_cut(scene);
        scene_connect(scene);
        broker_connack(scene, true, 0, offers[i].data, offers[i].len);
        then_publishes_without_alias_were_sent(scene, 1); /* QoS 1 and 2 again, alone at first */
        broker_acks(scene, PACKET_PUBACK, 1, 0);
        then_publishes_without_alias_were_sent(scene, 2);
        broker_acks(scene, PACKET_PUBACK, 3, 0);
        then_publishes_without_alias_were_sent(scene, 1);
    }
}

/* MQTT-3.8.3-4: bit 2 of the options is No Local. */
static void a_shared_filter_is_subscribed_without_no_local(void **state)
{
    static const char before_options[] = "\x82\x10\0\1\0\0\x0a$share/g/t";
    const size_t len = sizeof before_options - 1;
    struct scene *scene = *state;
    for (uint8_t i = 0; i < 6; i++) {
        struct mqtt_filter wish = {.filter = slice_of("$share/g/t"), .qos = i % 3, .want_retained = i >= 3};
        restart(scene);
        scene_online(scene);
        user_subscribes(scene, &wish, 1);
        struct buffer *out = mqtt_session_output(scene->session);
        assert_int_equal(buffer_length(out), len + 1);
        assert_memory_equal(buffer_data(out), before_options, len);
        assert_int_equal(buffer_data(out)[len], wish.qos | (wish.want_retained ? 0x10 : 0x20));
    }
}

/* ---- our limits ---- */

static void broker_publishes_bytes(struct scene *scene, size_t packet_bytes)
{
    char payload[2048] = "";
    assert_true(packet_bytes - 7 < sizeof payload);
    memset(payload, 'x', packet_bytes - 7); /* header 1, length 2, topic 3, properties 1 */
    broker_publishes(scene, 0, 0, "t", payload);
}

/* MQTT-3.1.2-24: what exceeds our Maximum Packet Size ends the connection. A server discards it instead
 * (MQTT-3.1.2-25), so it must have been told. */
static void our_maximum_packet_size_is_told_and_kept_to_the_byte(void **state)
{
    struct scene *scene = *state;
    scene->options.packet_max_bytes = 1000;
    online_saying(scene, "\x27\0\0\x03\xe8", 5);
    broker_publishes_bytes(scene, 1000);
    assert_int_equal(scene->result, 0);
    assert_int_equal(scene->message_count, 1);
    assert_int_equal(scene->messages[0]->payload.len, 993);
    broker_publishes_bytes(scene, 1001);
    then_over(scene, MQTT_CAUSE_PROTOCOL, "PUBLISH");
    then_sent(scene, "DISCONNECT 0x95");
    assert_int_equal(scene->message_count, 1);
}

static void broker_uses_alias(struct scene *scene, const char *topic, uint8_t alias)
{
    char expected[32];
    broker_publishes_with(scene, 0, 0, topic, (uint8_t[]){0x23, 0, alias}, 3, "a");
    assert_int_equal(scene->result, 0);
    snprintf(expected, sizeof expected, "message t/%u=a", alias);
    then_events(scene, expected);
}

/* MQTT-3.3.2-10. */
static void every_topic_alias_up_to_our_maximum_is_accepted(void **state)
{
    struct scene *scene = *state;
    char topic[16];
    online_saying(scene, "\x22\0\x20", 3);
    for (uint8_t alias = 1; alias <= 32; alias++) {
        snprintf(topic, sizeof topic, "t/%u", alias);
        broker_uses_alias(scene, topic, alias);
    }
    for (uint8_t alias = 32; alias >= 1; alias--)
        broker_uses_alias(scene, "", alias);
    then_sent(scene, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(acks_carry_the_id_that_came),
        SCENE_TEST(what_nobody_asked_for_is_acknowledged_like_anything_else),
        SCENE_TEST(no_ack_of_ours_refuses_a_message),
        SCENE_TEST(what_the_broker_refused_is_never_sent_again),
        SCENE_TEST(no_publish_of_ours_has_a_topic_alias),
        SCENE_TEST(a_shared_filter_is_subscribed_without_no_local),
        SCENE_TEST(our_maximum_packet_size_is_told_and_kept_to_the_byte),
        SCENE_TEST(every_topic_alias_up_to_our_maximum_is_accepted),
    };
    return cmocka_run_group_tests_name("session_clauses", tests, NULL, NULL);
}
