/* A connection's life: keep-alive, faults of the broker, its DISCONNECT, the polite end. */
#include "session_scene.h"

#include <errno.h>
#include <string.h>

static void restart(struct scene *scene)
{
    if (scene->session)
        mqtt_session_destroy(scene->session);
    scene->session = NULL;
    scene->events[0] = '\0';
}

/* ---- keep-alive: MQTT-3.1.2-20 ---- */

static void pingreq_goes_out_when_nothing_was_sent(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    time_passes(scene, 59);
    then_sent(scene, "");
    time_passes(scene, 1);
    then_sent(scene, "PINGREQ");
    time_passes(scene, 1);
    then_sent(scene, "");
    BROKER_SENDS(scene, "\xd0\0");
    time_passes(scene, 58);
    then_sent(scene, "");
    time_passes(scene, 1);
    then_sent(scene, "PINGREQ");
}

static void what_is_sent_and_answered_puts_pingreq_off(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    time_passes(scene, 40);
    broker_publishes(scene, 1, 1, "t", "a");
    user_releases(scene, 0);
    then_sent(scene, "PUBACK 1");
    time_passes(scene, 59);
    then_sent(scene, "");
    time_passes(scene, 1);
    then_sent(scene, "PINGREQ");
}

/* Publishing without an answer must not hide a dead link. */
static void pingreq_goes_out_when_nothing_was_heard(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    for (int i = 0; i < 6; i++) {
        time_passes(scene, 9);
        assert_int_equal(mqtt_session_tick(scene->session, scene->now_ns), 0);
        user_publishes(scene, 0, "t", "a", 0);
    }
    buffer_clear(mqtt_session_output(scene->session));
    time_passes(scene, 6);
    then_sent(scene, "PINGREQ");
}

static void no_answer_to_pingreq_ends_the_connection(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    time_passes(scene, 60);
    then_sent(scene, "PINGREQ");
    time_passes(scene, 19);
    assert_int_equal(scene->result, 0);
    time_passes(scene, 1);
    then_over(scene, MQTT_CAUSE_NETWORK, "PINGREQ");
    assert_true(mqtt_session_deadline(scene->session) == CLOCK_NEVER);
}

static void a_dead_link_is_noticed_within_one_and_a_half_keep_alives(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x13\0\x1e", 3); /* 30 s */
    time_passes(scene, 30);
    then_sent(scene, "PINGREQ");
    time_passes(scene, 14);
    assert_int_equal(scene->result, 0);
    time_passes(scene, 1);
    then_over(scene, MQTT_CAUSE_NETWORK, "PINGREQ");
}

static void anything_heard_after_pingreq_is_an_answer(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    time_passes(scene, 60);
    then_sent(scene, "PINGREQ");
    broker_publishes(scene, 0, 0, "t", "a");
    time_passes(scene, 50);
    assert_int_equal(scene->result, 0);
    then_sent(scene, "");
}

/* MQTT-3.1.2-21, 3.2.2-21. */
static void the_keep_alive_of_the_server_replaces_ours(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x13\0\5", 3);
    time_passes(scene, 5);
    then_sent(scene, "PINGREQ");
    time_passes(scene, 5);
    then_over(scene, MQTT_CAUSE_NETWORK, "PINGREQ");
}

static void keep_alive_0_sends_no_pingreq(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x13\0\0", 3);
    assert_true(mqtt_session_deadline(scene->session) == CLOCK_NEVER);
}

/* ---- faults of the broker: section 4.13 ---- */

static void a_malformed_packet_is_answered_and_the_connection_over(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *answer;
    } cases[] = {
#define CASE(literal, answer) {literal, sizeof(literal) - 1, answer}
        CASE("\x36\x07\0\1t\0\1\0a", "DISCONNECT 0x81"),     /* QoS 3: MQTT-3.3.1-4 */
        CASE("\x60\x02\0\1", "DISCONNECT 0x81"),             /* flags of PUBREL: MQTT-3.6.1-1 */
        CASE("\xd1\x00", "DISCONNECT 0x81"),                 /* reserved flags: MQTT-2.1.3-1 */
        CASE("\x30\xff\xff\xff\xff\x7f", "DISCONNECT 0x81"), /* remaining length of five bytes */
        CASE("\x30\xff\xff\x7f", "DISCONNECT 0x95"),         /* beyond our maximum: MQTT-3.1.2-24 */
        CASE("\x32\x06\0\1t\0\0\0", "DISCONNECT 0x82"),      /* packet id 0: MQTT-2.2.1-4 */
        CASE("\xf0\x00", "DISCONNECT 0x82"), /* AUTH not offered: MQTT-4.12.0-6, MQTT-4.12.0-7 */
#undef CASE
    };
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        restart(scene);
        scene_online(scene);
        broker_sends(scene, cases[i].bytes, cases[i].len);
        then_over(scene, MQTT_CAUSE_PROTOCOL, "");
        then_sent(scene, cases[i].answer);
        then_events(scene, "");
    }
}

static void packets_before_a_malformed_one_count_and_none_after_it(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    BROKER_SENDS(scene, "\x30\x05\0\1t\0a\xd1\x00\x30\x05\0\1t\0b");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "");
    then_events(scene, "message t=a");
}

static void in_3_1_1_a_fault_closes_without_a_word(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    scene_online(scene);
    BROKER_SENDS(scene, "\xd1\x00");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "");
    then_sent(scene, "");
}

/* MQTT-3.14.4-1; that the connection is then closed (MQTT-3.14.4-2) is the client's part. */
static void nothing_is_sent_after_disconnect(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    BROKER_SENDS(scene, "\xd1\x00");
    then_sent(scene, "DISCONNECT 0x81");
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 0, "t", "b", 1);
    user_subscribes(scene, &(struct mqtt_filter){.filter = slice_of("a")}, 1);
    time_passes(scene, 100);
    then_sent(scene, "");
    scene_reconnect(scene, true);
    then_sent(scene, "PUBLISH 1 q1 t=a; PUBLISH 0 q0 t=b; SUBSCRIBE 2 a q0 rh2");
}

/* ---- DISCONNECT of the broker ---- */

static void a_disconnect_of_the_broker_has_its_cause(void **state)
{
    static const struct {
        uint8_t reason;
        enum mqtt_cause cause;
    } cases[] = {
        {0x80, MQTT_CAUSE_BUSY},     {0x81, MQTT_CAUSE_PROTOCOL},   {0x82, MQTT_CAUSE_PROTOCOL},
        {0x87, MQTT_CAUSE_REFUSED},  {0x89, MQTT_CAUSE_BUSY},       {0x8b, MQTT_CAUSE_BUSY},
        {0x8d, MQTT_CAUSE_NETWORK},  {0x8e, MQTT_CAUSE_TAKEN_OVER}, {0x93, MQTT_CAUSE_PROTOCOL},
        {0x95, MQTT_CAUSE_PROTOCOL}, {0x97, MQTT_CAUSE_BUSY},       {0x98, MQTT_CAUSE_BUSY},
    };
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        restart(scene);
        scene_online(scene);
        broker_sends(scene, (uint8_t[]){0xe0, 1, cases[i].reason}, 3);
        then_over(scene, cases[i].cause, packet_reason_name(cases[i].reason));
        then_sent(scene, "");
    }
}

static void a_server_reference_is_shown(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    BROKER_SENDS(scene, "\xe0\x0a\x9c\x08\x1c\0\5other");
    then_over(scene, MQTT_CAUSE_BUSY, "(0x9c); server reference: other");
}

static void a_lost_connection_has_words_too(void **state)
{
    struct scene *scene = *state;
    const char *text;
    scene_online(scene);
    scene_cut(scene);
    assert_int_equal(mqtt_session_cause(scene->session, &text), MQTT_CAUSE_NETWORK);
    assert_string_equal(text, "the connection was closed");
    assert_int_equal(mqtt_session_state(scene->session), MQTT_OFFLINE);
}

/* ---- the polite end ---- */

static void disconnect_comes_after_the_acks_that_may_leave(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_publishes(scene, 1, 1, "t", "a");
    broker_publishes(scene, 1, 2, "t", "b");
    user_releases(scene, 0);
    mqtt_session_disconnect(scene->session, false);
    user_releases(scene, 1);
    user_publishes(scene, 1, "t", "a", 1);
    then_sent(scene, "PUBACK 1; DISCONNECT");
    assert_int_equal(mqtt_session_state(scene->session), MQTT_CLOSED);
}

static void the_session_ends_with_expiry_0(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    mqtt_session_disconnect(scene->session, true);
    then_sent(scene, "DISCONNECT 0x00 expiry");
}

/* Section 3.14.2.2.2 forbids a change from zero; from zero to zero nothing needs saying. */
static void a_session_without_expiry_ends_without_a_word_of_it(void **state)
{
    struct scene *scene = *state;
    scene->options.session_expiry_s = 0;
    scene_online(scene);
    mqtt_session_disconnect(scene->session, true);
    then_sent(scene, "DISCONNECT");
}

static void disconnect_while_offline_sends_nothing(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    scene_cut(scene);
    mqtt_session_disconnect(scene->session, true);
    then_sent(scene, "");
    assert_int_equal(mqtt_session_state(scene->session), MQTT_CLOSED);
}

static void what_comes_after_the_end_is_ignored(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    mqtt_session_disconnect(scene->session, false);
    broker_publishes(scene, 0, 0, "t", "a");
    assert_int_equal(scene->result, 0);
    then_events(scene, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(pingreq_goes_out_when_nothing_was_sent),
        SCENE_TEST(what_is_sent_and_answered_puts_pingreq_off),
        SCENE_TEST(pingreq_goes_out_when_nothing_was_heard),
        SCENE_TEST(no_answer_to_pingreq_ends_the_connection),
        SCENE_TEST(a_dead_link_is_noticed_within_one_and_a_half_keep_alives),
        SCENE_TEST(anything_heard_after_pingreq_is_an_answer),
        SCENE_TEST(the_keep_alive_of_the_server_replaces_ours),
        SCENE_TEST(keep_alive_0_sends_no_pingreq),
        SCENE_TEST(a_malformed_packet_is_answered_and_the_connection_over),
        SCENE_TEST(packets_before_a_malformed_one_count_and_none_after_it),
        SCENE_TEST(in_3_1_1_a_fault_closes_without_a_word),
        SCENE_TEST(nothing_is_sent_after_disconnect),
        SCENE_TEST(a_disconnect_of_the_broker_has_its_cause),
        SCENE_TEST(a_server_reference_is_shown),
        SCENE_TEST(a_lost_connection_has_words_too),
        SCENE_TEST(disconnect_comes_after_the_acks_that_may_leave),
        SCENE_TEST(the_session_ends_with_expiry_0),
        SCENE_TEST(a_session_without_expiry_ends_without_a_word_of_it),
        SCENE_TEST(disconnect_while_offline_sends_nothing),
        SCENE_TEST(what_comes_after_the_end_is_ignored),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
