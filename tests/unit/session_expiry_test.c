/* Messages to the broker that are worth something only for a time. */
#include "session_scene.h"

/* As long as it takes, the user's clock and the session's are one. */
static void user_publishes_for(struct scene *scene, unsigned qos, uint32_t expiry_s, uintptr_t token)
{
    const struct mqtt_publish publish = {.topic = slice_of("t"),
                                         .payload = slice_of("a"),
                                         .qos = (uint8_t)qos,
                                         .has_expiry = true,
                                         .expiry_s = expiry_s,
                                         .made_ns = scene->now_ns};
    assert_int_equal(mqtt_session_publish(scene->session, &publish, (void *)token), 0);
}

static void wait_offline(struct scene *scene, unsigned seconds)
{
    scene->now_ns += seconds * NS_PER_S;
}

/* What is in the output is a PUBLISH of topic t, payload a, with that expiry; takes it. */
static void then_sent_with_expiry(struct scene *scene, uint8_t first_byte, uint32_t expiry_s)
{
    struct buffer *out = mqtt_session_output(scene->session);
    const uint8_t *at = buffer_data(out);
    bool has_id = first_byte & 0x06;
    size_t len = has_id ? 14 : 12;
    assert_int_equal(buffer_length(out), len);
    assert_int_equal(at[0], first_byte);
    assert_int_equal(at[len - 6], 0x02); /* Message Expiry Interval, MQTT-3.3.2.3.3 */
    assert_int_equal(at[len - 2], expiry_s);
    buffer_clear(out);
}

static void what_it_waited_offline_is_taken_off(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    scene_cut(scene);
    user_publishes_for(scene, 1, 60, 7);
    wait_offline(scene, 10);
    scene_reconnect(scene, true);
    then_sent_with_expiry(scene, 0x32, 50);
}

static void what_expired_offline_is_over_and_never_sent(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    scene_cut(scene);
    user_publishes_for(scene, 1, 10, 7);
    user_publishes_for(scene, 0, 10, 0);
    user_publishes(scene, 1, "t", "b", 8);
    wait_offline(scene, 10);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "PUBLISH 1 q1 t=b");
    then_events(scene, "resumed; published 7 0x00");
    assert_int_equal(counts_of(scene).expired, 2);
}

static void qos_0_ages_like_the_others(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    scene_cut(scene);
    user_publishes_for(scene, 0, 60, 0);
    wait_offline(scene, 59);
    scene_reconnect(scene, true);
    then_sent_with_expiry(scene, 0x30, 1);
}

/* Sent once, it may be the broker's already: the exchange goes on with the same id. */
static void what_was_sent_before_is_sent_again_though_it_expired(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes_for(scene, 1, 10, 7);
    then_sent_with_expiry(scene, 0x32, 10);
    scene_cut(scene);
    wait_offline(scene, 60);
    scene_reconnect(scene, true);
    then_sent_with_expiry(scene, 0x3a, 1);
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_events(scene, "published 7 0x00");
}

static void a_message_waits_for_its_turn_only_as_long_as_it_lives(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x21\0\1", 3); /* Receive Maximum 1 */
    user_publishes(scene, 1, "t", "first", 1);
    user_publishes_for(scene, 1, 5, 2);
    user_publishes(scene, 1, "t", "third", 3);
    then_sent(scene, "PUBLISH 1 q1 t=first");
    time_passes(scene, 6);
    broker_acks(scene, PACKET_PUBACK, 1, 0);
    then_sent(scene, "PUBLISH 2 q1 t=third");
}

static void without_a_date_nothing_is_taken_off(void **state)
{
    struct scene *scene = *state;
    const struct mqtt_publish publish = {
        .topic = slice_of("t"), .payload = slice_of("a"), .qos = 1, .has_expiry = true, .expiry_s = 5};
    scene_online(scene);
    scene_cut(scene);
    assert_int_equal(mqtt_session_publish(scene->session, &publish, NULL), 0);
    wait_offline(scene, 60);
    scene_reconnect(scene, true);
    then_sent_with_expiry(scene, 0x32, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(what_it_waited_offline_is_taken_off),
        SCENE_TEST(what_expired_offline_is_over_and_never_sent),
        SCENE_TEST(qos_0_ages_like_the_others),
        SCENE_TEST(what_was_sent_before_is_sent_again_though_it_expired),
        SCENE_TEST(a_message_waits_for_its_turn_only_as_long_as_it_lives),
        SCENE_TEST(without_a_date_nothing_is_taken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
