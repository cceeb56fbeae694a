/* Messages from the broker: order of acknowledgements, orphans, QoS 2, aliases, limits. */
#include "session_scene.h"

#include <errno.h>
#include <string.h>

/* ---- MQTT-4.6.0-2, MQTT-4.6.0-3: acks in the order the messages came ---- */

static void an_ack_waits_for_the_one_before_it(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 2, "t", "b");
    then_events(scene, "message t=a; message t=b");
    user_releases(scene, 1);
    then_sent(scene, "");
    user_releases(scene, 0);
    then_sent(scene, "PUBACK 1; PUBACK 2");
    assert_int_equal(counts_of(scene).acked, 2);
}

static void no_ack_leaves_before_the_release(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 2, 2, "t", "b");
    time_passes(scene, 10);
    then_sent(scene, "");
    assert_int_equal(counts_of(scene).window, 2);
}

static void puback_and_pubrec_share_one_order(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 2, 7, "t", "a");
    broker_publishes(scene, 1, 8, "t", "b");
    user_releases(scene, 1);
    then_sent(scene, "");
    user_releases(scene, 0);
    then_sent(scene, "PUBREC 7; PUBACK 8");
}

static void qos_0_is_delivered_and_never_acknowledged(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 0, 0, "t", "a");
    then_events(scene, "message t=a");
    user_releases(scene, 0);
    then_sent(scene, "");
}

/* MQTT-4.3.2-5: after PUBACK the same id is a new message, whatever DUP says. */
static void an_id_is_new_after_its_puback(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    user_releases(scene, 0);
    then_sent(scene, "PUBACK 1");
    then_events(scene, "message t=a");
    broker_publishes_with(scene, 0x0a, 1, "t", NULL, 0, "a");
    then_events(scene, "message t=a");
    user_releases(scene, 1);
    then_sent(scene, "PUBACK 1");
}

static void a_message_carries_all_that_came_with_it(void **state)
{
    static const char properties[] = "\x02\x00\x00\x00\x1e"   /* expiry 30 */
                                     "\x03\x00\x01j"          /* content type */
                                     "\x08\x00\x03r/t"        /* response topic */
                                     "\x09\x00\x02\x00\xff"   /* correlation */
                                     "\x0b\x05"               /* subscription identifier */
                                     "\x26\x00\x01k\x00\x01v" /* user properties */
                                     "\x26\x00\x01k\x00\x00";
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes_with(scene, 0x03, 9, "t", properties, sizeof properties - 1, "p");
    const struct mqtt_message *m = scene->messages[0];
    assert_true(m->has_expiry && m->expiry_s == 30 && m->qos == 1 && m->retained && !m->dup);
    assert_true(slice_equal(m->content_type, slice_of("j")));
    assert_true(slice_equal(m->response_topic, slice_of("r/t")));
    assert_true(slice_equal(m->correlation, slice_make("\0\xff", 2)));
    assert_int_equal(m->property_count, 2);
    assert_true(slice_equal(m->properties[0].key, slice_of("k")));
    assert_true(slice_equal(m->properties[0].value, slice_of("v")));
    assert_true(slice_equal(m->properties[1].value, slice_of("")));
    assert_true(m->subscription_id_count == 1 && m->subscription_ids[0] == 5);
    assert_true(m->received_ns == scene->now_ns);
}

/* ---- connections: never an ack across them ---- */

static void a_release_after_the_cut_sends_nothing(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    scene_cut(scene);
    assert_int_equal(counts_of(scene).orphans, 1);
    user_releases(scene, 0);
    then_sent(scene, "");
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "");
}

static void a_message_that_comes_again_is_recognised_and_acknowledged_once(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    then_events(scene, "message t=a");
    scene_reconnect(scene, true);
    broker_publishes_with(scene, 0x0a, 1, "t", NULL, 0, "a");
    then_events(scene, "");
    then_sent(scene, "");
    user_releases(scene, 0);
    then_sent(scene, "PUBACK 1");
    assert_int_equal(counts_of(scene).recognised, 1);
    assert_int_equal(counts_of(scene).orphans, 0);
}

/* AWS IoT and aedes resend with DUP 0. */
static void a_message_is_recognised_without_dup(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    then_events(scene, "message t=a");
    scene_reconnect(scene, true);
    broker_publishes(scene, 1, 1, "t", "a");
    then_events(scene, "");
}

static void work_done_while_offline_is_acknowledged_when_the_message_comes_again(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 2, "t", "b");
    then_events(scene, "message t=a; message t=b");
    scene_cut(scene);
    user_releases(scene, 1);
    scene_reconnect(scene, true);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 2, "t", "b");
    then_sent(scene, "");
    user_releases(scene, 0);
    then_sent(scene, "PUBACK 1; PUBACK 2");
    then_events(scene, "");
}

/* The broker may have read the PUBACK or not: the id may be in use again, for another message of the same
 * words (MQTT-4.3.2-5). Rather twice than lost. */
static void after_its_puback_a_message_is_new_on_the_next_connection_too(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    user_releases(scene, 0);
    then_sent(scene, "PUBACK 1");
    then_events(scene, "message t=a");
    scene_reconnect(scene, true);
    broker_publishes_with(scene, 0x0a, 1, "t", NULL, 0, "a");
    then_events(scene, "message t=a");
    assert_int_equal(counts_of(scene).recognised, 0);
    user_releases(scene, 1);
    then_sent(scene, "PUBACK 1");
}

static void an_orphan_ends_when_its_id_carries_something_else(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    then_events(scene, "message t=a");
    scene_reconnect(scene, true);
    broker_publishes(scene, 1, 1, "t", "other");
    then_events(scene, "message t=other");
    user_releases(scene, 0); /* the orphan: nothing to acknowledge */
    then_sent(scene, "");
    user_releases(scene, 1);
    then_sent(scene, "PUBACK 1");
}

static void orphans_end_with_the_session(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 2, "t", "b");
    then_events(scene, "message t=a; message t=b");
    user_releases(scene, 1);
    scene_reconnect(scene, false);
    assert_int_equal(counts_of(scene).orphans, 0);
    broker_publishes(scene, 1, 1, "t", "a");
    then_events(scene, "message t=a");
    user_releases(scene, 0);
    then_sent(scene, "");
    user_releases(scene, 2);
    then_sent(scene, "PUBACK 1");
}

/* NanoMQ resends on a live connection. */
static void a_repeat_on_a_live_connection_is_not_delivered_twice(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes_with(scene, 0x0a, 1, "t", NULL, 0, "a");
    then_events(scene, "message t=a");
    user_releases(scene, 0);
    then_sent(scene, "PUBACK 1");
}

/* MQTT-2.2.1-4. */
static void another_message_under_an_id_in_use_is_a_protocol_error(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 1, "t", "b");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "packet id 1 is in use");
    then_sent(scene, "DISCONNECT 0x82");
    user_releases(scene, 0); /* MQTT-3.14.4-1: nothing after DISCONNECT */
    then_sent(scene, "");
}

/* ---- topic aliases: MQTT-3.3.2-7 to -10 ---- */

static void an_alias_stands_for_its_topic(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes_with(scene, 0, 0, "long/topic", "\x23\x00\x20", 3, "a");
    broker_publishes_with(scene, 0, 0, "", "\x23\x00\x20", 3, "b");
    broker_publishes_with(scene, 0, 0, "other", "\x23\x00\x20", 3, "c");
    broker_publishes_with(scene, 0, 0, "", "\x23\x00\x20", 3, "d");
    then_events(scene, "message long/topic=a; message long/topic=b; message other=c; message other=d");
}

/* MQTT-3.3.2-7. */
static void an_alias_ends_with_its_connection(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes_with(scene, 0, 0, "t", "\x23\x00\x01", 3, "a");
    then_events(scene, "message t=a");
    scene_reconnect(scene, true);
    broker_publishes_with(scene, 0, 0, "", "\x23\x00\x01", 3, "b");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "topic alias 1");
    then_sent(scene, "DISCONNECT 0x82");
}

/* MQTT-3.3.2-11. */
static void an_alias_beyond_our_maximum_gets_0x94(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes_with(scene, 0, 0, "t", "\x23\x00\x21", 3, "a");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "topic alias 33");
    then_sent(scene, "DISCONNECT 0x94");
}

/* MQTT-3.3.2-8. */
static void alias_0_is_refused(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes_with(scene, 0, 0, "t", "\x23\x00\x00", 3, "a");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "lias");
    then_sent(scene, "DISCONNECT 0x82");
    then_events(scene, "");
}

/* ---- Receive Maximum, ours ---- */

static void a_broker_beyond_our_receive_maximum_is_tolerated_and_counted(void **state)
{
    struct scene *scene = *state;
    scene->options.receive_maximum = 2;
    scene_online(scene);
    for (uint16_t id = 1; id <= 4; id++)
        broker_publishes(scene, 1, id, "t", "a");
    assert_int_equal(scene->result, 0);
    assert_int_equal(counts_of(scene).delivered, 4);
    assert_int_equal(counts_of(scene).overflow, 2);
}

static void a_qos_2_message_counts_until_pubcomp(void **state)
{
    struct scene *scene = *state;
    scene->options.receive_maximum = 1;
    scene_online(scene);
    broker_publishes(scene, 2, 1, "t", "a");
    user_releases(scene, 0);
    broker_publishes(scene, 2, 2, "t", "b");
    assert_int_equal(counts_of(scene).overflow, 1);
    broker_acks(scene, PACKET_PUBREL, 1, 0);
    user_releases(scene, 1);
    broker_acks(scene, PACKET_PUBREL, 2, 0);
    broker_publishes(scene, 2, 3, "t", "c");
    assert_int_equal(counts_of(scene).overflow, 1);
}

static void the_quota_of_the_broker_starts_afresh_on_each_connection(void **state)
{
    struct scene *scene = *state;
    scene->options.receive_maximum = 2;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 2, "t", "b");
    scene->events[0] = '\0';
    scene_reconnect(scene, true);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 2, "t", "b");
    assert_int_equal(counts_of(scene).overflow, 0);
}

static size_t taken;

static void take_silently(void *user, struct mqtt_message *message)
{
    (void)user;
    (void)message;
    taken++;
}

static void nothing(void *user, bool resumed)
{
    (void)user;
    (void)resumed;
}

static void feed(struct mqtt_session *s, const uint8_t *bytes, size_t len, int expected)
{
    size_t used;
    assert_int_equal(mqtt_session_input(s, bytes, len, 1, &used), expected);
}

/* One connection has no more than 65535 ids; those still worked on from a session that the broker lost count
 * too. The last of them gets 0x93. */
static void more_than_65535_messages_under_way_end_the_connection(void **state)
{
    struct scene *scene = *state;
    struct mqtt_session_events events = {.online = nothing, .message = take_silently};
    struct mqtt_session *s = mqtt_session_create(&scene->options, &events, NULL);
    scene->session = s;
    taken = 0;
    mqtt_session_opened(s, 1);
    feed(s, (const uint8_t *)"\x20\x03\x00\x00\x00", 5, 0);
    for (unsigned id = 1; id <= 65535; id++)
        feed(s, (uint8_t[]){0x32, 6, 0, 1, 't', (uint8_t)(id >> 8), (uint8_t)id, 0}, 8, 0);
    assert_int_equal(taken, 65535);
    mqtt_session_lost(s, 1);
    mqtt_session_opened(s, 1);
    feed(s, (const uint8_t *)"\x20\x03\x00\x00\x00", 5, 0);
    buffer_clear(mqtt_session_output(s));
    feed(s, (uint8_t[]){0x32, 6, 0, 1, 't', 0, 1, 0}, 8, -EPROTO);
    then_sent(scene, "DISCONNECT 0x93");
    assert_int_equal(taken, 65535);
}

/* destroy frees what is lent; the leak checker watches. */
static void messages_that_are_lent_out_end_with_the_session_object(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 0, 0, "t", "a");
    broker_publishes(scene, 1, 1, "t", "b");
    broker_publishes(scene, 2, 2, "t", "c");
    scene->events[0] = '\0';
    scene_reconnect(scene, true);
    broker_publishes(scene, 1, 9, "t", "d");
    assert_int_equal(scene->message_count, 4);
}

static void a_packet_may_come_byte_by_byte(void **state)
{
    static const uint8_t packet[] = "\x32\x07\0\1t\0\1\0a";
    struct scene *scene = *state;
    size_t used;
    scene_online(scene);
    for (size_t len = 1; len < sizeof packet - 1; len++) {
        assert_int_equal(mqtt_session_input(scene->session, packet, len, scene->now_ns, &used), 0);
        assert_int_equal(used, 0);
    }
    broker_sends(scene, packet, sizeof packet - 1);
    then_events(scene, "message t=a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(an_ack_waits_for_the_one_before_it),
        SCENE_TEST(no_ack_leaves_before_the_release),
        SCENE_TEST(puback_and_pubrec_share_one_order),
        SCENE_TEST(qos_0_is_delivered_and_never_acknowledged),
        SCENE_TEST(an_id_is_new_after_its_puback),
        SCENE_TEST(a_message_carries_all_that_came_with_it),
        SCENE_TEST(a_release_after_the_cut_sends_nothing),
        SCENE_TEST(a_message_that_comes_again_is_recognised_and_acknowledged_once),
        SCENE_TEST(a_message_is_recognised_without_dup),
        SCENE_TEST(work_done_while_offline_is_acknowledged_when_the_message_comes_again),
        SCENE_TEST(after_its_puback_a_message_is_new_on_the_next_connection_too),
        SCENE_TEST(an_orphan_ends_when_its_id_carries_something_else),
        SCENE_TEST(orphans_end_with_the_session),
        SCENE_TEST(a_repeat_on_a_live_connection_is_not_delivered_twice),
        SCENE_TEST(another_message_under_an_id_in_use_is_a_protocol_error),
        SCENE_TEST(an_alias_stands_for_its_topic),
        SCENE_TEST(an_alias_ends_with_its_connection),
        SCENE_TEST(an_alias_beyond_our_maximum_gets_0x94),
        SCENE_TEST(alias_0_is_refused),
        SCENE_TEST(a_broker_beyond_our_receive_maximum_is_tolerated_and_counted),
        SCENE_TEST(a_qos_2_message_counts_until_pubcomp),
        SCENE_TEST(the_quota_of_the_broker_starts_afresh_on_each_connection),
        SCENE_TEST(more_than_65535_messages_under_way_end_the_connection),
        SCENE_TEST(messages_that_are_lent_out_end_with_the_session_object),
        SCENE_TEST(a_packet_may_come_byte_by_byte),
    };
    return cmocka_run_group_tests_name("session_in", tests, NULL, NULL);
}
