/* Messages to the broker: order, flow control, resending, what a server does not take. */
#include "session_scene.h"

#include <errno.h>
#include <string.h>

static void online_with(struct scene *scene, const void *properties, size_t len)
{
    scene_connect(scene);
    broker_connack(scene, false, 0, properties, len);
    then_events(scene, "online");
}

static void qos_1_is_over_with_puback(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "a", 7);
    then_sent(scene, "PUBLISH 1 q1 t=a");
    then_events(scene, "");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_events(scene, "published 7 0x00");
    assert_int_equal(counts_of(scene).outstanding, 0);
    assert_int_equal(counts_of(scene).published, 1);
}

static void qos_2_is_over_with_pubcomp(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 2, "t", "a", 7);
    then_sent(scene, "PUBLISH 1 q2 t=a");
    broker_acks(scene, PACKET_PUBREC, 1, 0x10);
    then_sent(scene, "PUBREL 1");
    then_events(scene, "");
    broker_acks(scene, PACKET_PUBCOMP, 1, 0);
    then_events(scene, "published 7 0x10");
}

static void qos_0_is_sent_and_forgotten(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 0, "t", "a", 7);
    then_sent(scene, "PUBLISH 0 q0 t=a");
    time_passes(scene, 1);
    then_events(scene, "");
}

static void a_refusal_is_reported_with_its_reason(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "a", 7);
    user_publishes(scene, 2, "t", "b", 8);
    then_sent(scene, "PUBLISH 1 q1 t=a; PUBLISH 2 q2 t=b");
    broker_acks(scene, PACKET_PUBACK, 1, 0x97);
    broker_acks(scene, PACKET_PUBREC, 2, 0x87);
    then_events(scene, "published 7 0x97; published 8 0x87");
    then_sent(scene, "");
    assert_int_equal(counts_of(scene).refused, 2);
}

/* MQTT-3.3.4-6: a client's PUBLISH has no subscription identifier; nor does ours have any property unasked.
 */
static void properties_go_out_in_mqtt_5_and_only_there(void **state)
{
    struct scene *scene = *state;
    struct property property = {slice_of("k"), slice_of("v")};
    struct mqtt_publish publish = {.topic = slice_of("t"),
                                   .payload = slice_of("a"),
                                   .qos = 1,
                                   .correlation = slice_of("c"),
                                   .properties = &property,
                                   .property_count = 1};
    scene_online(scene);
    assert_int_equal(mqtt_session_publish(scene->session, &publish, NULL), 0);
    static const uint8_t expected[] = "\x32\x12\0\1t\0\1\x0b\x09\0\1c\x26\0\1k\0\1va";
    struct buffer *out = mqtt_session_output(scene->session);
    assert_int_equal(buffer_length(out), sizeof expected - 1);
    assert_memory_equal(buffer_data(out), expected, sizeof expected - 1);
    buffer_clear(out);
    user_publishes(scene, 1, "t", "b", 0);
    then_sent(scene, "PUBLISH 2 q1 t=b");
}

static void a_message_without_a_topic_name_is_refused_at_once(void **state)
{
    struct scene *scene = *state;
    struct mqtt_publish publish = {.topic = slice_of("a/#"), .qos = 1};
    scene_online(scene);
    assert_int_equal(mqtt_session_publish(scene->session, &publish, NULL), -EINVAL);
    then_sent(scene, "");
    assert_int_equal(counts_of(scene).outstanding, 0);
}

/* ---- flow control: MQTT-3.3.4-7, 4.9.0-2 ---- */

static void the_receive_maximum_of_the_server_is_never_exceeded(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x21\0\2", 3);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 1, "t", "b", 2);
    user_publishes(scene, 1, "t", "c", 3);
    then_sent(scene, "PUBLISH 1 q1 t=a; PUBLISH 2 q1 t=b");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "PUBLISH 3 q1 t=c");
}

static void qos_2_holds_its_quota_until_pubcomp(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x21\0\1", 3);
    user_publishes(scene, 2, "t", "a", 1);
    user_publishes(scene, 1, "t", "b", 2);
    then_sent(scene, "PUBLISH 1 q2 t=a");
    broker_acks(scene, PACKET_PUBREC, 1, 0);
    then_sent(scene, "PUBREL 1");
    broker_acks(scene, PACKET_PUBCOMP, 1, 0);
    then_sent(scene, "PUBLISH 2 q1 t=b");
}

/* Section 4.9: a PUBREC with a reason code from 0x80 on gives the quota back. */
static void a_refusing_pubrec_gives_the_quota_back(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x21\0\1", 3);
    user_publishes(scene, 2, "t", "a", 1);
    user_publishes(scene, 1, "t", "b", 2);
    then_sent(scene, "PUBLISH 1 q2 t=a");
    broker_acks(scene, PACKET_PUBREC, 1, 0x80);
    then_sent(scene, "PUBLISH 2 q1 t=b");
}

/* MQTT-3.3.4-8, 4.9.0-3. */
static void acks_pings_and_qos_0_are_not_delayed_by_flow_control(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x21\0\1", 3);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 1, "t", "b", 2);
    then_sent(scene, "PUBLISH 1 q1 t=a");
    broker_publishes(scene, 1, 9, "in", "x");
    user_releases(scene, 0);
    user_publishes(scene, 0, "t", "z", 0);
    then_sent(scene, "PUBACK 9; PUBLISH 0 q0 t=z");
    time_passes(scene, 60);
    then_sent(scene, "PINGREQ");
}

/* Section 4.9: a stray ack must not raise the quota past its start. */
static void the_quota_never_grows_past_its_start(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x21\0\1", 3);
    broker_acks(scene, PACKET_PUBACK, 5, 0);
    broker_acks(scene, PACKET_PUBCOMP, 6, 0);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 1, "t", "b", 2);
    then_sent(scene, "PUBLISH 1 q1 t=a");
}

static void the_quota_starts_afresh_on_each_connection(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x21\0\3", 3);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 1, "t", "b", 2);
    user_publishes(scene, 1, "t", "c", 3);
    user_publishes(scene, 1, "t", "d", 4);
    then_sent(scene, "PUBLISH 1 q1 t=a; PUBLISH 2 q1 t=b; PUBLISH 3 q1 t=c");
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, "\x21\0\2", 3);
    then_sent(scene, "PUBLISH 1 q1 dup t=a"); /* alone: session_pace_test.c */
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "PUBLISH 2 q1 dup t=b; PUBLISH 3 q1 dup t=c");
    broker_acks(scene, PACKET_PUBACK, 2, 0);
    then_sent(scene, "PUBLISH 4 q1 t=d");
}

/* ---- resending: MQTT-4.4.0-1, 3.3.1-1, 4.6.0-1 ---- */

static void a_resume_sends_again_with_the_same_ids_in_the_same_order_with_dup(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 2, "t", "b", 2);
    user_publishes(scene, 1, "t", "c", 3);
    then_sent(scene, "PUBLISH 1 q1 t=a; PUBLISH 2 q2 t=b; PUBLISH 3 q1 t=c");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_events(scene, "published 1 0x00");
    scene_cut(scene);
    user_publishes(scene, 1, "t", "d", 4);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "PUBLISH 2 q2 dup t=b");
    broker_acks(scene, PACKET_PUBREC, 2, 0);
    broker_acks(scene, PACKET_PUBCOMP, 2, 0);
    then_sent(scene, "PUBREL 2; PUBLISH 3 q1 dup t=c; PUBLISH 4 q1 t=d");
}

static void nothing_is_sent_again_on_a_live_connection(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "a", 1);
    then_sent(scene, "PUBLISH 1 q1 t=a");
    time_passes(scene, 30);
    time_passes(scene, 25);
    then_sent(scene, "");
}

/* MQTT-4.3.3-6; the order of PUBRELs is that of the PUBRECs: MQTT-4.6.0-4. */
static void pubrel_takes_the_place_of_publish_once_pubrec_came(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 2, "t", "a", 1);
    user_publishes(scene, 2, "t", "b", 2);
    user_publishes(scene, 2, "t", "c", 3);
    broker_acks(scene, PACKET_PUBREC, 2, 0);
    broker_acks(scene, PACKET_PUBREC, 1, 0);
    then_sent(scene, "PUBLISH 1 q2 t=a; PUBLISH 2 q2 t=b; PUBLISH 3 q2 t=c; PUBREL 2; PUBREL 1");
    scene_reconnect(scene, true);
    then_sent(scene, "PUBREL 2; PUBREL 1");
    broker_acks(scene, PACKET_PUBCOMP, 2, 0x92); /* it had completed before the cut */
    then_events(scene, "published 2 0x00");
    then_sent(scene, "PUBLISH 3 q2 dup t=c");
}

static void pubrels_on_resume_are_not_delayed_and_use_up_the_quota(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 2, "t", "a", 1);
    user_publishes(scene, 2, "t", "b", 2);
    user_publishes(scene, 1, "t", "c", 3);
    broker_acks(scene, PACKET_PUBREC, 1, 0);
    broker_acks(scene, PACKET_PUBREC, 2, 0);
    then_sent(scene, "PUBLISH 1 q2 t=a; PUBLISH 2 q2 t=b; PUBLISH 3 q1 t=c; PUBREL 1; PUBREL 2");
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, "\x21\0\1", 3);
    then_sent(scene, "PUBREL 1; PUBREL 2");
    broker_acks(scene, PACKET_PUBCOMP, 1, 0);
    then_sent(scene, "");
    broker_acks(scene, PACKET_PUBCOMP, 2, 0);
    then_sent(scene, "PUBLISH 3 q1 dup t=c");
}

/* MQTT-3.2.2-5. */
static void without_a_session_outputs_are_sent_as_new(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 2, "t", "a", 1);
    user_publishes(scene, 1, "t", "b", 2);
    broker_acks(scene, PACKET_PUBREC, 1, 0);
    then_sent(scene, "PUBLISH 1 q2 t=a; PUBLISH 2 q1 t=b; PUBREL 1");
    scene_reconnect(scene, false);
    then_sent(scene, "PUBLISH 3 q2 t=a");
    broker_acks(scene, PACKET_PUBREC, 3, 0);
    broker_acks(scene, PACKET_PUBCOMP, 3, 0);
    then_sent(scene, "PUBREL 3; PUBLISH 4 q1 t=b");
    broker_acks(scene, PACKET_PUBACK, 4, 0);
    then_events(scene, "published 1 0x00; published 2 0x00");
}

/* MQTT-2.2.1-3. */
static void an_id_in_use_is_not_given_again(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "first", 0);
    then_sent(scene, "PUBLISH 1 q1 t=first");
    for (unsigned id = 2; id <= 65535; id++) {
        user_publishes(scene, 1, "t", "x", id);
        broker_acks(scene, PACKET_PUBACK, (uint16_t)id, 0);
        scene->events[0] = '\0';
        buffer_clear(mqtt_session_output(scene->session));
    }
    assert_int_equal(counts_of(scene).outstanding, 1);
    user_publishes(scene, 1, "t", "next", 0); /* neither 0 nor 1 */
    then_sent(scene, "PUBLISH 2 q1 t=next");
}

/* ---- acks that do not fit ---- */

static void a_puback_for_an_unknown_id_does_no_harm(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_acks(scene, PACKET_PUBACK, 77, 0);
    broker_acks(scene, PACKET_PUBCOMP, 77, 0);
    assert_int_equal(scene->result, 0);
    then_sent(scene, "");
    then_events(scene, "");
}

static void a_pubrec_for_an_unknown_id_gets_pubrel_0x92(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_acks(scene, PACKET_PUBREC, 77, 0);
    then_sent(scene, "PUBREL 77 0x92");
}

static void a_pubrec_for_an_unknown_id_gets_a_plain_pubrel_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    scene_online(scene);
    broker_acks(scene, PACKET_PUBREC, 77, 0);
    then_sent(scene, "PUBREL 77");
}

static void an_ack_of_the_wrong_kind_is_a_protocol_error(void **state)
{
    static const struct {
        unsigned qos;
        enum packet_type type;
    } cases[] = {{2, PACKET_PUBACK}, {1, PACKET_PUBREC}, {1, PACKET_PUBCOMP}, {2, PACKET_PUBCOMP}};
    struct scene *scene = *state;
    scene_online(scene);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        user_publishes(scene, cases[i].qos, "t", "a", 1);
        buffer_clear(mqtt_session_output(scene->session));
        broker_acks(scene, cases[i].type, (uint16_t)(i + 1), 0);
        then_over(scene, MQTT_CAUSE_PROTOCOL, packet_type_name(cases[i].type));
        then_sent(scene, "DISCONNECT 0x82");
        then_events(scene, "");
        mqtt_session_destroy(scene->session);
        scene->session = NULL;
        scene_online(scene);
        for (size_t id = 0; id <= i; id++) { /* so that the next case has the next id */
            user_publishes(scene, 1, "t", "a", 1);
            broker_acks(scene, PACKET_PUBACK, (uint16_t)(id + 1), 0);
        }
        scene->events[0] = '\0';
        buffer_clear(mqtt_session_output(scene->session));
    }
}

/* ---- what CONNACK says ---- */

/* MQTT-3.2.2-11. */
static void the_maximum_qos_of_the_server_lowers_a_publish(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x24\1", 2);
    user_publishes(scene, 2, "t", "a", 1);
    then_sent(scene, "PUBLISH 1 q1 t=a");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_events(scene, "published 1 0x00");
}

static void with_maximum_qos_0_a_publish_is_over_when_it_is_sent(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x24\0", 2);
    user_publishes(scene, 1, "t", "a", 1);
    then_sent(scene, "PUBLISH 0 q0 t=a");
    then_events(scene, ""); /* asynchronous */
    time_passes(scene, 0);
    then_events(scene, "published 1 0x00");
}

static void a_resend_at_another_qos_is_a_new_message(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 2, "t", "a", 1);
    then_sent(scene, "PUBLISH 1 q2 t=a");
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, "\x24\1", 2);
    then_sent(scene, "PUBLISH 2 q1 t=a");
}

/* MQTT-3.2.2-14. */
static void retain_is_not_sent_where_it_is_not_available(void **state)
{
    struct scene *scene = *state;
    struct mqtt_publish publish = {.topic = slice_of("t"), .qos = 1, .retain = true};
    online_with(scene, "\x25\0", 2);
    assert_int_equal(mqtt_session_publish(scene->session, &publish, (void *)5), 0);
    publish.qos = 0;
    assert_int_equal(mqtt_session_publish(scene->session, &publish, NULL), 0);
    then_sent(scene, "");
    then_events(scene, "");
    time_passes(scene, 0);
    then_events(scene, "published 5 0x101");
    assert_int_equal(counts_of(scene).refused, 2);
}

/* MQTT-3.2.2-15. */
static void a_publish_too_large_for_the_server_is_reported_and_the_next_one_goes(void **state)
{
    struct scene *scene = *state;
    online_with(scene, "\x27\0\0\0\x10", 5);
    user_publishes(scene, 1, "t", "0123456789", 1); /* 18 bytes */
    user_publishes(scene, 1, "t", "01234567", 2);   /* 16 */
    user_publishes(scene, 0, "t", "0123456789ab", 0);
    then_sent(scene, "PUBLISH 1 q1 t=01234567");
    then_events(scene, "");
    assert_true(mqtt_session_deadline(scene->session) <= scene->now_ns);
    time_passes(scene, 0);
    then_events(scene, "published 1 0x100");
}

static void the_size_is_judged_anew_on_each_connection(void **state)
{
    struct scene *scene = *state;
    user_publishes(scene, 1, "t", "0123456789", 1);
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x27\0\0\0\x10", 5);
    then_events(scene, "online; published 1 0x100");
    user_publishes(scene, 1, "t", "a", 2);
    then_sent(scene, "PUBLISH 1 q1 t=a");
}

/* ---- offline ---- */

static void qos_0_waits_offline_and_the_oldest_is_dropped(void **state)
{
    struct scene *scene = *state;
    for (char name[] = "a"; name[0] <= 'e'; name[0]++)
        user_publishes(scene, 0, "t", name, 0);
    scene_online(scene);
    then_sent(scene, "PUBLISH 0 q0 t=c; PUBLISH 0 q0 t=d; PUBLISH 0 q0 t=e");
    scene_reconnect(scene, true);
    then_sent(scene, "");
}

static void qos_1_waits_offline_in_order(void **state)
{
    struct scene *scene = *state;
    for (char name[] = "a"; name[0] <= 'e'; name[0]++)
        user_publishes(scene, 1, "t", name, 0);
    assert_int_equal(counts_of(scene).outstanding, 5);
    scene_online(scene);
    then_sent(scene,
              "PUBLISH 1 q1 t=a; PUBLISH 2 q1 t=b; PUBLISH 3 q1 t=c; PUBLISH 4 q1 t=d; PUBLISH 5 q1 t=e");
}

static void outputs_outlive_a_change_of_version(void **state)
{
    struct scene *scene = *state;
    struct mqtt_publish publish = {.topic = slice_of("t"), .qos = 1, .correlation = slice_of("c")};
    scene->options.protocol = MQTT_AUTO;
    scene_connect(scene);
    assert_int_equal(mqtt_session_publish(scene->session, &publish, NULL), 0);
    BROKER_SENDS(scene, "\x20\x02\x00\x01");
    then_over(scene, MQTT_CAUSE_VERSION, "0x84");
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, false, 0, NULL, 0);
    then_sent(scene, "PUBLISH 1 q1 t=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(qos_1_is_over_with_puback),
        SCENE_TEST(qos_2_is_over_with_pubcomp),
        SCENE_TEST(qos_0_is_sent_and_forgotten),
        SCENE_TEST(a_refusal_is_reported_with_its_reason),
        SCENE_TEST(properties_go_out_in_mqtt_5_and_only_there),
        SCENE_TEST(a_message_without_a_topic_name_is_refused_at_once),
        SCENE_TEST(the_receive_maximum_of_the_server_is_never_exceeded),
        SCENE_TEST(qos_2_holds_its_quota_until_pubcomp),
        SCENE_TEST(a_refusing_pubrec_gives_the_quota_back),
        SCENE_TEST(acks_pings_and_qos_0_are_not_delayed_by_flow_control),
        SCENE_TEST(the_quota_never_grows_past_its_start),
        SCENE_TEST(the_quota_starts_afresh_on_each_connection),
        SCENE_TEST(a_resume_sends_again_with_the_same_ids_in_the_same_order_with_dup),
        SCENE_TEST(nothing_is_sent_again_on_a_live_connection),
        SCENE_TEST(pubrel_takes_the_place_of_publish_once_pubrec_came),
        SCENE_TEST(pubrels_on_resume_are_not_delayed_and_use_up_the_quota),
        SCENE_TEST(without_a_session_outputs_are_sent_as_new),
        SCENE_TEST(an_id_in_use_is_not_given_again),
        SCENE_TEST(a_puback_for_an_unknown_id_does_no_harm),
        SCENE_TEST(a_pubrec_for_an_unknown_id_gets_pubrel_0x92),
        SCENE_TEST(a_pubrec_for_an_unknown_id_gets_a_plain_pubrel_in_3_1_1),
        SCENE_TEST(an_ack_of_the_wrong_kind_is_a_protocol_error),
        SCENE_TEST(the_maximum_qos_of_the_server_lowers_a_publish),
        SCENE_TEST(with_maximum_qos_0_a_publish_is_over_when_it_is_sent),
        SCENE_TEST(a_resend_at_another_qos_is_a_new_message),
        SCENE_TEST(retain_is_not_sent_where_it_is_not_available),
        SCENE_TEST(a_publish_too_large_for_the_server_is_reported_and_the_next_one_goes),
        SCENE_TEST(the_size_is_judged_anew_on_each_connection),
        SCENE_TEST(qos_0_waits_offline_and_the_oldest_is_dropped),
        SCENE_TEST(qos_1_waits_offline_in_order),
        SCENE_TEST(outputs_outlive_a_change_of_version),
    };
    return cmocka_run_group_tests_name("session_out", tests, NULL, NULL);
}
