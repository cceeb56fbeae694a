/* After a connection that broke with publishes under way: how fast are they sent again, and what is said of
 * the one that may have broken it? */
#include "session_scene.h"

#include <stdio.h>
#include <string.h>

/* A persistent session with the QoS 1 publishes 1 to `count` under way: a, b, …; their tokens are the
 * letters. */
static void given_under_way(struct scene *scene, unsigned count)
{
    scene_online(scene);
    for (char name[] = "a"; count > 0; count--, name[0]++)
        user_publishes(scene, 1, "t", name, (uintptr_t)name[0]);
    buffer_clear(mqtt_session_output(scene->session));
    scene->events[0] = '\0';
}

static void after_a_loss_one_is_sent_and_each_answer_doubles_it(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 8);
    scene_reconnect(scene, true);
    then_sent(scene, "PUBLISH 1 q1 dup t=a");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "PUBLISH 2 q1 dup t=b; PUBLISH 3 q1 dup t=c");
    broker_acks(scene, PACKET_PUBACK, 2, 0);
    then_sent(scene, "PUBLISH 4 q1 dup t=d; PUBLISH 5 q1 dup t=e; PUBLISH 6 q1 dup t=f");
    broker_acks(scene, PACKET_PUBACK, 3, 0);
    then_sent(scene, "PUBLISH 7 q1 dup t=g; PUBLISH 8 q1 dup t=h");
}

static void a_new_publish_waits_behind_those_sent_again(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 2);
    scene_reconnect(scene, true);
    user_publishes(scene, 1, "t", "new", 3);
    then_sent(scene, "PUBLISH 1 q1 dup t=a");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "PUBLISH 2 q1 dup t=b; PUBLISH 3 q1 t=new");
}

static void a_lost_session_is_filled_at_the_same_pace(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 3);
    scene_reconnect(scene, false);
    then_sent(scene, "PUBLISH 4 q1 t=a");
    broker_acks(scene, PACKET_PUBACK, 4, 0);
    then_sent(scene, "PUBLISH 5 q1 t=b; PUBLISH 6 q1 t=c");
}

static void a_loss_with_nothing_under_way_slows_nothing(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 1);
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    scene_cut(scene);
    for (unsigned i = 0; i < 3; i++)
        user_publishes(scene, 1, "t", "x", i);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "PUBLISH 2 q1 t=x; PUBLISH 3 q1 t=x; PUBLISH 4 q1 t=x");
}

static void an_attempt_that_fails_meanwhile_changes_nothing(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 2);
    scene_cut(scene);
    scene_connect(scene);
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "PUBLISH 1 q1 dup t=a");
}

static void the_next_loss_begins_at_one_again(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 6);
    scene_reconnect(scene, true);
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "PUBLISH 1 q1 dup t=a; PUBLISH 2 q1 dup t=b; PUBLISH 3 q1 dup t=c");
    then_events(scene, "published 97 0x00");
    scene_reconnect(scene, true);
    then_sent(scene, "PUBLISH 2 q1 dup t=b");
}

static void the_pace_grows_within_the_receive_maximum(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 9);
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, "\x21\0\3", 3);
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    broker_acks(scene, PACKET_PUBACK, 2, 0);
    broker_acks(scene, PACKET_PUBACK, 3, 0);
    then_sent(scene, "PUBLISH 1 q1 dup t=a; PUBLISH 2 q1 dup t=b; PUBLISH 3 q1 dup t=c; "
                     "PUBLISH 4 q1 dup t=d; PUBLISH 5 q1 dup t=e; PUBLISH 6 q1 dup t=f");
}

static void a_refusal_is_an_answer(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 2, "t", "b", 2);
    for (unsigned i = 0; i < 4; i++)
        user_publishes(scene, 1, "t", "x", 3);
    buffer_clear(mqtt_session_output(scene->session));
    scene_reconnect(scene, true);
    then_sent(scene, "PUBLISH 1 q1 dup t=a");
    broker_acks(scene, PACKET_PUBACK, 1, 0x87);
    then_sent(scene, "PINGREQ; PUBLISH 2 q2 dup t=b; PUBLISH 3 q1 dup t=x");
    broker_acks(scene, PACKET_PUBREC, 2, 0x87);
    then_sent(scene, "PUBLISH 4 q1 dup t=x; PUBLISH 5 q1 dup t=x; PUBLISH 6 q1 dup t=x");
    assert_int_equal(counts_of(scene).answered, 2);
}

static void qos_2_is_answered_by_pubcomp(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    for (char name[] = "a"; name[0] <= 'c'; name[0]++)
        user_publishes(scene, 2, "t", name, 0);
    buffer_clear(mqtt_session_output(scene->session));
    scene_reconnect(scene, true);
    broker_acks(scene, PACKET_PUBREC, 1, 0);
    then_sent(scene, "PUBLISH 1 q2 dup t=a; PUBREL 1");
    broker_acks(scene, PACKET_PUBCOMP, 1, 0);
    then_sent(scene, "PUBLISH 2 q2 dup t=b; PUBLISH 3 q2 dup t=c");
}

/* MQTT-4.9.0-3: the PUBRELs go at once; publishes wait until they are answered. */
static void pubrels_go_first_and_at_once(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    for (char name[] = "a"; name[0] <= 'd'; name[0]++)
        user_publishes(scene, 2, "t", name, 0);
    for (uint16_t id = 1; id <= 3; id++)
        broker_acks(scene, PACKET_PUBREC, id, 0);
    buffer_clear(mqtt_session_output(scene->session));
    scene_reconnect(scene, true);
    then_sent(scene, "PUBREL 1; PUBREL 2; PUBREL 3");
    broker_acks(scene, PACKET_PUBCOMP, 1, 0);
    then_sent(scene, "");
    broker_acks(scene, PACKET_PUBCOMP, 2, 0);
    then_sent(scene, "PUBLISH 4 q2 dup t=d");
}

static void what_cannot_be_sent_holds_nothing_up(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "0123456789", 1); /* 18 bytes */
    user_publishes(scene, 1, "t", "a", 2);
    buffer_clear(mqtt_session_output(scene->session));
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, "\x27\0\0\0\x10", 5);
    then_sent(scene, "PUBLISH 2 q1 dup t=a");
}

/* ---- what is said ---- */

static void then_suspected(const struct scene *scene, const char *words)
{
    char text[256];
    mqtt_session_suspect(scene->session, text, sizeof text);
    assert_string_equal(text, words);
}

static void the_last_word_of_the_broker_being_a_refusal_is_told(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 3);
    then_suspected(scene, "");
    broker_acks(scene, PACKET_PUBACK, 1, 0x87);
    then_suspected(scene, " after it refused a publish to t: Not authorized (0x87)");
    broker_acks(scene, PACKET_PUBACK, 2, 0);
    then_suspected(scene, "");
    broker_acks(scene, PACKET_PUBACK, 3, 0x97);
    then_suspected(scene, " after it refused a publish to t: Quota exceeded (0x97)");
    then_events(scene, "published 97 0x87; published 98 0x00; published 99 0x97");
    scene_reconnect(scene, true);
    then_suspected(scene, "");
}

static void a_long_topic_is_cut(void **state)
{
    struct scene *scene = *state;
    char topic[301], expected[256];
    memset(topic, 'x', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    scene_online(scene);
    user_publishes(scene, 1, topic, "a", 1);
    broker_acks(scene, PACKET_PUBACK, 1, 0x87);
    snprintf(expected, sizeof expected, " after it refused a publish to %.100s: Not authorized (0x87)",
             topic);
    then_suspected(scene, expected);
}

static void a_publish_left_unanswered_again_is_told_when_it_is_the_only_one(void **state)
{
    struct scene *scene = *state;
    given_under_way(scene, 3);
    then_suspected(scene, "");
    scene_reconnect(scene, true);
    then_suspected(scene, " with a publish to t unanswered, not for the first time: is it allowed (ACL)?");
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_suspected(scene, ""); /* two of them: which? */
    broker_acks(scene, PACKET_PUBACK, 2, 0);
    broker_acks(scene, PACKET_PUBACK, 3, 0);
    user_publishes(scene, 1, "t", "new", 4);
    then_suspected(scene, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(after_a_loss_one_is_sent_and_each_answer_doubles_it),
        SCENE_TEST(a_new_publish_waits_behind_those_sent_again),
        SCENE_TEST(a_lost_session_is_filled_at_the_same_pace),
        SCENE_TEST(a_loss_with_nothing_under_way_slows_nothing),
        SCENE_TEST(an_attempt_that_fails_meanwhile_changes_nothing),
        SCENE_TEST(the_next_loss_begins_at_one_again),
        SCENE_TEST(the_pace_grows_within_the_receive_maximum),
        SCENE_TEST(a_refusal_is_an_answer),
        SCENE_TEST(qos_2_is_answered_by_pubcomp),
        SCENE_TEST(pubrels_go_first_and_at_once),
        SCENE_TEST(what_cannot_be_sent_holds_nothing_up),
        SCENE_TEST(the_last_word_of_the_broker_being_a_refusal_is_told),
        SCENE_TEST(a_long_topic_is_cut),
        SCENE_TEST(a_publish_left_unanswered_again_is_told_when_it_is_the_only_one),
    };
    return cmocka_run_group_tests_name("session_pace", tests, NULL, NULL);
}
