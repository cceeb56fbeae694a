/* A publish that may be why the broker closes is sent alone. What becomes of the acknowledgements that are
 * due while it is on its way? */
#include "session_scene.h"

/* The messages 1 (QoS 1) and 2 (QoS 2) are at work, message 3 (QoS 2) has PUBREC, and publish 1 was under way
 * when the connection ended. All is resumed, and the work is over: three acknowledgements are due. */
static void given_a_publish_alone(struct scene *scene)
{
    scene_online(scene);
    broker_publishes(scene, 2, 3, "t", "c");
    user_releases(scene, 0);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 2, 2, "t", "b");
    user_publishes(scene, 1, "out", "x", 1);
    then_sent(scene, "PUBREC 3; PUBLISH 1 q1 out=x");
    then_events(scene, "message t=c; message t=a; message t=b");
    scene_reconnect(scene, true);
    broker_acks(scene, PACKET_PUBREL, 3, 0);
    broker_publishes_with(scene, 0x0a, 1, "t", NULL, 0, "a");
    broker_publishes_with(scene, 0x0c, 2, "t", NULL, 0, "b");
    user_releases(scene, 1);
    user_releases(scene, 2);
    then_events(scene, "");
    then_sent(scene, "PUBLISH 1 q1 dup out=x");
}

static void acknowledgements_leave_with_its_answer(void **state)
{
    struct scene *scene = *state;
    given_a_publish_alone(scene);
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "PUBCOMP 3; PUBACK 1; PUBREC 2");
    broker_publishes(scene, 1, 4, "t", "d");
    user_releases(scene, 3);
    then_sent(scene, "PUBACK 4");
}

static void after_a_refusal_they_wait_for_the_next_word(void **state)
{
    struct scene *scene = *state;
    given_a_publish_alone(scene);
    broker_acks(scene, PACKET_PUBACK, 1, 0x87);
    then_sent(scene, "PINGREQ");
    BROKER_SENDS(scene, "\xd0\0");
    then_sent(scene, "PUBCOMP 3; PUBACK 1; PUBREC 2");
}

/* The connection ends, or a DISCONNECT says that it is about to. */
static void then_nothing_runs_again(struct scene *scene)
{
    then_events(scene, "published 1 0x87");
    scene_reconnect(scene, true);
    broker_acks(scene, PACKET_PUBREL, 3, 0);
    broker_publishes_with(scene, 0x0a, 1, "t", NULL, 0, "a");
    broker_publishes_with(scene, 0x0c, 2, "t", NULL, 0, "b");
    then_events(scene, "");
    then_sent(scene, "PUBCOMP 3 0x92; PUBACK 1; PUBREC 2"); /* the id was free for us */
}

static void what_waits_when_the_broker_closes_runs_only_once(void **state)
{
    struct scene *scene = *state;
    given_a_publish_alone(scene);
    broker_acks(scene, PACKET_PUBACK, 1, 0x87);
    then_sent(scene, "PINGREQ");
    then_nothing_runs_again(scene);
}

static void a_disconnect_is_no_next_word(void **state)
{
    struct scene *scene = *state;
    given_a_publish_alone(scene);
    broker_acks(scene, PACKET_PUBACK, 1, 0x87);
    then_sent(scene, "PINGREQ");
    BROKER_SENDS(scene, "\xe0\x01\x87");
    then_over(scene, MQTT_CAUSE_REFUSED, "the broker disconnects: Not authorized");
    then_sent(scene, "");
    then_nothing_runs_again(scene);
}

static void one_that_is_sent_as_new_is_alone_too(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "out", "x", 1);
    broker_publishes(scene, 1, 1, "t", "a");
    then_sent(scene, "PUBLISH 1 q1 out=x");
    then_events(scene, "message t=a");
    scene_reconnect(scene, false);
    then_sent(scene, "PUBLISH 2 q1 out=x");
    broker_publishes(scene, 1, 1, "t", "a");
    user_releases(scene, 1);
    then_sent(scene, "");
    broker_acks(scene, PACKET_PUBACK, 2, 0);
    then_sent(scene, "PUBACK 1");
}

static void a_farewell_takes_them_along(void **state)
{
    struct scene *scene = *state;
    given_a_publish_alone(scene);
    mqtt_session_disconnect(scene->session, false);
    then_sent(scene, "PUBCOMP 3; PUBACK 1; PUBREC 2; DISCONNECT");
}

static void without_a_loss_nothing_waits(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "out", "x", 1);
    broker_publishes(scene, 1, 1, "t", "a");
    user_releases(scene, 0);
    broker_acks(scene, PACKET_PUBREL, 9, 0);
    then_sent(scene, "PUBLISH 1 q1 out=x; PUBACK 1; PUBCOMP 9 0x92");
    broker_acks(scene, PACKET_PUBACK, 1, 0x87);
    then_sent(scene, "");
}

/* A broker that never answers the publish. */
static void what_waits_is_bounded(void **state)
{
    enum { FLOOD = 20000 };
    struct scene *scene = *state;
    given_a_publish_alone(scene);
    for (unsigned i = 0; i < FLOOD; i++)
        broker_acks(scene, PACKET_PUBREL, 100, 0);
    size_t at_once = buffer_length(mqtt_session_output(scene->session));
    assert_true(at_once > 0);
    buffer_clear(mqtt_session_output(scene->session));
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    assert_in_range(buffer_length(mqtt_session_output(scene->session)), 64 * 1024, 65 * 1024);
    assert_true(at_once >= FLOOD * 5 - 65 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(acknowledgements_leave_with_its_answer),
        SCENE_TEST(after_a_refusal_they_wait_for_the_next_word),
        SCENE_TEST(what_waits_when_the_broker_closes_runs_only_once),
        SCENE_TEST(a_disconnect_is_no_next_word),
        SCENE_TEST(one_that_is_sent_as_new_is_alone_too),
        SCENE_TEST(a_farewell_takes_them_along),
        SCENE_TEST(without_a_loss_nothing_waits),
        SCENE_TEST(what_waits_is_bounded),
    };
    return cmocka_run_group_tests_name("session_alone", tests, NULL, NULL);
}
