/* QoS 2 from the broker: exactly once, whatever is cut. */
#include "session_scene.h"

/* MQTT-4.3.3-8, MQTT-4.3.3-11. */
static void qos_2_runs_publish_pubrec_pubrel_pubcomp(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 2, 5, "t", "a");
    user_releases(scene, 0);
    then_sent(scene, "PUBREC 5");
    broker_acks(scene, PACKET_PUBREL, 5, 0);
    then_sent(scene, "PUBCOMP 5");
    then_events(scene, "message t=a");
}

/* MQTT-4.3.3-10. */
static void a_repeat_after_pubrec_gets_pubrec_and_is_not_delivered(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 2, 5, "t", "a");
    then_events(scene, "message t=a");
    user_releases(scene, 0);
    then_sent(scene, "PUBREC 5");
    scene_reconnect(scene, true);
    broker_publishes_with(scene, 0x0c, 5, "t", NULL, 0, "a");
    then_sent(scene, "PUBREC 5");
    broker_publishes_with(scene, 0x0c, 5, "t", NULL, 0, "a");
    then_sent(scene, "PUBREC 5");
    then_events(scene, "");
    broker_acks(scene, PACKET_PUBREL, 5, 0);
    then_sent(scene, "PUBCOMP 5");
    /* MQTT-4.3.3-12: after PUBCOMP the id is a new message. */
    broker_publishes(scene, 2, 5, "t", "a");
    then_events(scene, "message t=a");
}

/* MQTT-4.6.0-3. */
static void a_second_pubrec_keeps_its_place_in_the_order(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 2, 5, "t", "a");
    broker_publishes(scene, 2, 6, "t", "b");
    user_releases(scene, 0);
    then_sent(scene, "PUBREC 5");
    scene->events[0] = '\0';
    scene_reconnect(scene, true);
    broker_publishes_with(scene, 0x0c, 6, "t", NULL, 0, "b");
    broker_publishes_with(scene, 0x0c, 5, "t", NULL, 0, "a");
    then_sent(scene, "");
    scene_reconnect(scene, true); /* a repeat that waits is no orphan: its work is done */
    assert_int_equal(counts_of(scene).orphans, 1);
    broker_publishes_with(scene, 0x0c, 6, "t", NULL, 0, "b");
    broker_publishes_with(scene, 0x0c, 5, "t", NULL, 0, "a");
    user_releases(scene, 1);
    then_sent(scene, "PUBREC 6; PUBREC 5");
}

static void qos_2_ids_survive_a_connection(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 2, 5, "t", "a");
    user_releases(scene, 0);
    then_sent(scene, "PUBREC 5");
    then_events(scene, "message t=a");
    scene_reconnect(scene, true);
    broker_acks(scene, PACKET_PUBREL, 5, 0);
    then_sent(scene, "PUBCOMP 5");
}

static void qos_2_ids_end_with_the_session(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 2, 5, "t", "a");
    user_releases(scene, 0);
    then_sent(scene, "PUBREC 5");
    then_events(scene, "message t=a");
    scene_reconnect(scene, false);
    broker_publishes(scene, 2, 5, "t", "a");
    then_events(scene, "message t=a");
}

static void an_unknown_pubrel_gets_pubcomp_0x92(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_acks(scene, PACKET_PUBREL, 9, 0);
    then_sent(scene, "PUBCOMP 9 0x92");
}

static void an_unknown_pubrel_gets_a_plain_pubcomp_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    scene_online(scene);
    broker_acks(scene, PACKET_PUBREL, 9, 0);
    then_sent(scene, "PUBCOMP 9");
}

/* MQTT-3.2.2-15: an ack with its reason code can be too long for the server. */
static void the_reason_is_left_out_where_the_server_takes_four_bytes(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x27\0\0\0\x04", 5);
    broker_acks(scene, PACKET_PUBREL, 9, 0);
    then_sent(scene, "PUBCOMP 9");
}

static void pubrel_before_pubrec_does_not_lose_the_message(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 2, 5, "t", "a");
    broker_acks(scene, PACKET_PUBREL, 5, 0);
    then_sent(scene, "PUBCOMP 5 0x92");
    user_releases(scene, 0);
    then_sent(scene, "PUBREC 5");
}

static void a_puback_ends_a_publish_of_qos_2_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    scene_online(scene);
    user_publishes(scene, 2, "t", "a", 7);
    then_sent(scene, "PUBLISH 1 q2 t=a");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "");
    then_events(scene, "published 7 0x01");
    assert_int_equal(counts_of(scene).outstanding, 0);
}

static void a_puback_after_pubrec_is_a_protocol_error_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    scene_online(scene);
    user_publishes(scene, 2, "t", "a", 7);
    broker_acks(scene, PACKET_PUBREC, 1, 0);
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_over(scene, MQTT_CAUSE_PROTOCOL, "PUBACK");
    then_events(scene, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(qos_2_runs_publish_pubrec_pubrel_pubcomp),
        SCENE_TEST(a_repeat_after_pubrec_gets_pubrec_and_is_not_delivered),
        SCENE_TEST(a_second_pubrec_keeps_its_place_in_the_order),
        SCENE_TEST(qos_2_ids_survive_a_connection),
        SCENE_TEST(qos_2_ids_end_with_the_session),
        SCENE_TEST(an_unknown_pubrel_gets_pubcomp_0x92),
        SCENE_TEST(an_unknown_pubrel_gets_a_plain_pubcomp_in_3_1_1),
        SCENE_TEST(the_reason_is_left_out_where_the_server_takes_four_bytes),
        SCENE_TEST(pubrel_before_pubrec_does_not_lose_the_message),
        SCENE_TEST(a_puback_ends_a_publish_of_qos_2_in_3_1_1),
        SCENE_TEST(a_puback_after_pubrec_is_a_protocol_error_in_3_1_1),
    };
    return cmocka_run_group_tests_name("session_qos2", tests, NULL, NULL);
}
