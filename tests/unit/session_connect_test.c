/* How a connection begins: CONNECT, CONNACK, refusals, versions, whose session it is. */
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

/* ---- CONNECT ---- */

static void connect_says_what_we_can_take(void **state)
{
    struct scene *scene = *state;
    user_subscribes(scene, NULL, 0);
    mqtt_session_opened(scene->session, scene->now_ns);
    struct buffer *out = mqtt_session_output(scene->session);
    assert_int_equal(buffer_length(out), 44);
    const uint8_t *sent = buffer_data(out);
    assert_memory_equal(sent, "\x10\x2a\0\4MQTT\5\0\0\x3c", 12); /* flags: Clean Start 0 */
    assert_non_null(memmem(sent, 44, "\x11\0\1\x51\x80", 5));    /* session expiry */
    assert_non_null(memmem(sent, 44, "\x21\0\x0a", 3));          /* Receive Maximum */
    assert_non_null(memmem(sent, 44, "\x27\0\1\0\0", 5));        /* Maximum Packet Size */
    assert_non_null(memmem(sent, 44, "\x22\0\x20", 3));          /* Topic Alias Maximum */
    assert_non_null(memmem(sent, 44, "\x17\0", 2));              /* MQTT-3.1.2-29: no problem information */
    assert_memory_equal(sent + 44 - 13, "\0\x0bhark/test/f", 13);
}

static void a_clean_start_keeps_no_session(void **state)
{
    struct scene *scene = *state;
    scene->options.clean_start = true;
    user_subscribes(scene, NULL, 0);
    mqtt_session_opened(scene->session, scene->now_ns);
    const uint8_t *sent = buffer_data(mqtt_session_output(scene->session));
    assert_int_equal(sent[9], 2);
    assert_null(memmem(sent, 39, "\x11\0\1\x51\x80", 5));
}

/* MQTT-3.1.0-1, MQTT-3.2.0-1: CONNECT comes first, and the user's wishes wait for CONNACK. */
static void nothing_but_connect_is_sent_before_connack(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    user_publishes(scene, 1, "t", "a", 1);
    user_publishes(scene, 0, "t", "b", 1);
    user_subscribes(scene, &(struct mqtt_filter){.filter = slice_of("a")}, 1);
    then_sent(scene, "");
    assert_int_equal(mqtt_session_state(scene->session), MQTT_CONNECTING);
    broker_connack(scene, false, 0, NULL, 0);
    then_sent(scene, "PUBLISH 1 q1 t=a; PUBLISH 0 q0 t=b; SUBSCRIBE 2 a q0 rh2");
    assert_int_equal(mqtt_session_state(scene->session), MQTT_ONLINE);
}

static void no_connack_in_time_ends_the_attempt(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    time_passes(scene, 19);
    assert_int_equal(scene->result, 0);
    time_passes(scene, 1);
    then_over(scene, MQTT_CAUSE_NETWORK, "no CONNACK within 20 s");
    then_sent(scene, "");
}

/* ---- CONNACK ---- */

static void a_refusal_has_its_cause(void **state)
{
    static const struct {
        uint8_t reason;
        enum mqtt_cause cause;
    } cases[] = {
        {0x80, MQTT_CAUSE_BUSY},    {0x81, MQTT_CAUSE_PROTOCOL}, {0x84, MQTT_CAUSE_REFUSED},
        {0x85, MQTT_CAUSE_REFUSED}, {0x86, MQTT_CAUSE_REFUSED},  {0x87, MQTT_CAUSE_REFUSED},
        {0x88, MQTT_CAUSE_BUSY},    {0x89, MQTT_CAUSE_BUSY},     {0x8a, MQTT_CAUSE_REFUSED},
        {0x8c, MQTT_CAUSE_REFUSED}, {0x97, MQTT_CAUSE_BUSY},     {0x9c, MQTT_CAUSE_BUSY},
        {0x9d, MQTT_CAUSE_REFUSED}, {0x9f, MQTT_CAUSE_BUSY},
    };
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        restart(scene);
        scene_connect(scene);
        broker_connack(scene, false, cases[i].reason, NULL, 0);
        then_over(scene, cases[i].cause, packet_reason_name(cases[i].reason));
        then_sent(scene, "");
        then_events(scene, "");
    }
}

static void a_refusal_of_3_1_1_has_its_cause(void **state)
{
    static const enum mqtt_cause causes[] = {MQTT_CAUSE_REFUSED, MQTT_CAUSE_REFUSED, MQTT_CAUSE_BUSY,
                                             MQTT_CAUSE_REFUSED, MQTT_CAUSE_REFUSED};
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    for (uint8_t code = 1; code <= 5; code++) {
        restart(scene);
        scene_connect(scene);
        broker_connack(scene, false, code, NULL, 0);
        then_over(scene, causes[code - 1], "refuses");
    }
}

static void a_refusal_shows_reason_string_and_server_reference(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0x9d, "\x1f\0\4gone\x1c\0\5other", 15);
    then_over(scene, MQTT_CAUSE_REFUSED, "(0x9d): gone; server reference: other");
}

static void a_broker_that_does_not_speak_5_is_asked_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_AUTO;
    scene_connect(scene);
    assert_int_equal(mqtt_session_protocol(scene->session), MQTT_5);
    broker_connack(scene, false, 0x84, NULL, 0);
    then_over(scene, MQTT_CAUSE_VERSION, "0x84");
    assert_int_equal(mqtt_session_protocol(scene->session), MQTT_3_1_1);
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, false, 0, NULL, 0);
    then_events(scene, "online");
}

/* A 3.1.1 broker answers in its own words: return code 1. */
static void the_short_connack_of_a_3_1_1_broker_is_understood(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_AUTO;
    scene_connect(scene);
    BROKER_SENDS(scene, "\x20\x02\x00\x01");
    then_over(scene, MQTT_CAUSE_VERSION, "0x84");
    assert_int_equal(mqtt_session_protocol(scene->session), MQTT_3_1_1);
}

/* Trying again at once would be a busy loop. */
static void with_a_fixed_version_the_refusal_is_final(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    BROKER_SENDS(scene, "\x20\x02\x00\x01");
    then_over(scene, MQTT_CAUSE_REFUSED, "0x84");
    assert_int_equal(mqtt_session_protocol(scene->session), MQTT_5);
}

static bool hangs_up(struct scene *scene)
{
    bool is_version = mqtt_session_hung_up(scene->session);
    scene_cut(scene);
    return is_version;
}

static enum mqtt_protocol next(const struct scene *scene)
{
    return mqtt_session_protocol(scene->session);
}

/* Two hang-ups, and 3.1.1 is taken. */
static void given_a_broker_that_hangs_up_on_5(struct scene *scene)
{
    scene->options.protocol = MQTT_AUTO;
    scene_connect(scene);
    assert_false(hangs_up(scene));
    assert_int_equal(next(scene), MQTT_5);
    scene_connect(scene);
    assert_true(hangs_up(scene));
    assert_int_equal(next(scene), MQTT_3_1_1);
}

/* Resets, timeouts: they say nothing of what the broker speaks. */
static void a_broken_network_is_always_tried_with_5(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_AUTO;
    for (size_t i = 0; i < 6; i++) {
        scene_connect(scene);
        scene_cut(scene);
        assert_int_equal(next(scene), MQTT_5);
    }
}

static void a_broker_that_hangs_up_on_5_twice_is_asked_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    const char *text;
    given_a_broker_that_hangs_up_on_5(scene);
    assert_int_equal(mqtt_session_cause(scene->session, &text), MQTT_CAUSE_VERSION);
    scene_connect(scene);
    broker_connack(scene, false, 0, NULL, 0);
    then_events(scene, "online");
    assert_int_equal(mqtt_session_belief(scene->session), MQTT_TOOK_3_1_1);
}

/* A proxy whose broker is away hangs up on both. 5 comes first each time, so it is what the broker is met
 * with when it is there. */
static void who_hangs_up_on_both_is_asked_with_5_first(void **state)
{
    struct scene *scene = *state;
    given_a_broker_that_hangs_up_on_5(scene);
    for (size_t i = 0; i < 3; i++) {
        scene_connect(scene);
        assert_false(hangs_up(scene));
        assert_int_equal(next(scene), MQTT_5);
        scene_connect(scene);
        assert_true(hangs_up(scene));
        assert_int_equal(next(scene), MQTT_3_1_1);
    }
    scene_connect(scene);
    scene_cut(scene);
    assert_int_equal(next(scene), MQTT_5);
    scene_connect(scene);
    assert_false(hangs_up(scene)); /* after what was the network, it counts from the beginning */
}

/* What was only guessed is not for ever. */
static void a_reconnect_begins_with_5_unless_5_was_refused_in_words(void **state)
{
    struct scene *scene = *state;
    given_a_broker_that_hangs_up_on_5(scene);
    scene_connect(scene);
    broker_connack(scene, false, 0, NULL, 0);
    then_events(scene, "online");
    scene_cut(scene);
    assert_int_equal(next(scene), MQTT_5);
    scene_connect(scene);
    assert_true(hangs_up(scene)); /* once is enough now */
    assert_int_equal(next(scene), MQTT_3_1_1);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_events(scene, "resumed");
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_events(scene, "resumed");
    assert_int_equal(next(scene), MQTT_5);
    assert_int_equal(mqtt_session_belief(scene->session), MQTT_SPEAKS_5);
}

static void a_refusal_in_words_is_believed_for_good(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_AUTO;
    scene_connect(scene);
    BROKER_SENDS(scene, "\x20\x02\x00\x01");
    then_over(scene, MQTT_CAUSE_VERSION, "0x84");
    for (size_t i = 0; i < 3; i++) {
        scene_cut(scene);
        assert_int_equal(next(scene), MQTT_3_1_1);
        scene_connect(scene);
        broker_connack(scene, i > 0, 0, NULL, 0);
        then_events(scene, i > 0 ? "resumed" : "online");
        scene_cut(scene);
        scene_connect(scene);
        assert_false(hangs_up(scene));
        assert_int_equal(next(scene), MQTT_3_1_1);
        scene_connect(scene);
    }
    assert_int_equal(mqtt_session_belief(scene->session), MQTT_REFUSED_5);
}

static void a_broker_that_spoke_5_is_not_asked_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_AUTO;
    scene_online(scene);
    scene_cut(scene);
    for (size_t i = 0; i < 4; i++) {
        scene_connect(scene);
        assert_false(hangs_up(scene));
        assert_int_equal(next(scene), MQTT_5);
    }
}

/* An end that has a reason of its own is no hang-up, and neither is one in another place. */
static void a_broker_that_said_something_did_not_hang_up(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_AUTO;
    user_subscribes(scene, NULL, 0);
    assert_false(mqtt_session_hung_up(scene->session)); /* before any connection */
    for (size_t i = 0; i < 4; i++) {
        restart(scene);
        scene_connect(scene);
        broker_connack(scene, false, 0x88, NULL, 0);
        assert_int_equal(scene->result, -EPROTO);
        assert_false(hangs_up(scene));
        assert_int_equal(next(scene), MQTT_5);
    }
}

static void what_others_found_out_is_gone_on_from(void **state)
{
    static const struct {
        enum mqtt_belief belief;
        enum mqtt_protocol first, second, third; /* what is tried, the broker hanging up on all */
    } cases[] = {{MQTT_KNOWS_NOTHING, MQTT_5, MQTT_5, MQTT_3_1_1},
                 {MQTT_TOOK_3_1_1, MQTT_5, MQTT_3_1_1, MQTT_5},
                 {MQTT_REFUSED_5, MQTT_3_1_1, MQTT_3_1_1, MQTT_3_1_1},
                 {MQTT_SPEAKS_5, MQTT_5, MQTT_5, MQTT_5}};
    struct scene *scene = *state;
    scene->options.protocol = MQTT_AUTO;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        restart(scene);
        user_subscribes(scene, NULL, 0);
        mqtt_session_believe(scene->session, cases[i].belief);
        assert_int_equal(next(scene), cases[i].first);
        scene_connect(scene);
        hangs_up(scene);
        assert_int_equal(next(scene), cases[i].second);
        scene_connect(scene);
        hangs_up(scene);
        assert_int_equal(next(scene), cases[i].third);
    }
}

static void a_fixed_version_is_not_argued_with(void **state)
{
    static const enum mqtt_protocol fixed[] = {MQTT_5, MQTT_3_1_1};
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        scene->options.protocol = fixed[i];
        restart(scene);
        user_subscribes(scene, NULL, 0);
        mqtt_session_believe(scene->session, i ? MQTT_SPEAKS_5 : MQTT_REFUSED_5);
        for (size_t times = 0; times < 3; times++) {
            scene_connect(scene);
            assert_false(hangs_up(scene));
            assert_int_equal(next(scene), fixed[i]);
        }
    }
}

/* MQTT-3.2.2-4. */
static void a_session_that_is_not_ours_closes_the_connection(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_over(scene, MQTT_CAUSE_PROTOCOL, "not ours");
    then_sent(scene, "DISCONNECT 0x82");
    then_events(scene, "");
}

static void a_session_that_is_adopted_is_gone_on_with(void **state)
{
    struct scene *scene = *state;
    scene->options.adopt = true;
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_events(scene, "resumed");
}

/* MQTT-3.2.2-2. */
static void a_session_present_after_clean_start_closes_the_connection(void **state)
{
    struct scene *scene = *state;
    scene->options.adopt = scene->options.clean_start = true;
    scene_online(scene);
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_over(scene, MQTT_CAUSE_PROTOCOL, "Clean Start");
    then_sent(scene, "DISCONNECT 0x82");
}

/* MQTT-3.2.2-16. */
static void an_assigned_client_id_is_used_from_then_on(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x12\0\3new", 6);
    then_events(scene, "online");
    scene_cut(scene);
    mqtt_session_opened(scene->session, scene->now_ns);
    struct buffer *out = mqtt_session_output(scene->session);
    assert_memory_equal(buffer_data(out) + buffer_length(out) - 5, "\0\3new", 5);
}

static void a_server_that_takes_no_ack_is_left(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x27\0\0\0\3", 5);
    then_over(scene, MQTT_CAUSE_PROTOCOL, "Maximum Packet Size 3");
    then_events(scene, "");
    struct buffer *out = mqtt_session_output(scene->session);
    assert_true(buffer_length(out) <= 3); /* MQTT-3.2.2-15, for DISCONNECT too */
}

static void a_second_connack_is_a_protocol_error(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    broker_connack(scene, false, 0, NULL, 0);
    then_over(scene, MQTT_CAUSE_PROTOCOL, "second CONNACK");
    then_sent(scene, "DISCONNECT 0x82");
    then_events(scene, "");
}

static void a_packet_before_connack_is_a_protocol_error(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_publishes(scene, 0, 0, "t", "a");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "PUBLISH before CONNACK");
    then_sent(scene, "");
    then_events(scene, "");
}

/* mqtt:// to the port of a WebSocket listener: mosquitto answers so. */
static void a_web_server_in_place_of_a_broker_is_told_by_its_answer(void **state)
{
    struct scene *scene = *state;
    static const char text[] = "HTTP/1.0 403 Forbidden\r\n";
    user_subscribes(scene, NULL, 0);
    mqtt_session_opened(scene->session, scene->now_ns);
    broker_sends(scene, text, sizeof text - 1);
    then_over(
        scene, MQTT_CAUSE_PROTOCOL,
        "what answers CONNECT speaks HTTP: if it is the broker's WebSocket listener, write ws:// (with TLS "
        "wss://)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(connect_says_what_we_can_take),
        SCENE_TEST(a_clean_start_keeps_no_session),
        SCENE_TEST(nothing_but_connect_is_sent_before_connack),
        SCENE_TEST(a_web_server_in_place_of_a_broker_is_told_by_its_answer),
        SCENE_TEST(no_connack_in_time_ends_the_attempt),
        SCENE_TEST(a_refusal_has_its_cause),
        SCENE_TEST(a_refusal_of_3_1_1_has_its_cause),
        SCENE_TEST(a_refusal_shows_reason_string_and_server_reference),
        SCENE_TEST(a_broker_that_does_not_speak_5_is_asked_in_3_1_1),
        SCENE_TEST(the_short_connack_of_a_3_1_1_broker_is_understood),
        SCENE_TEST(with_a_fixed_version_the_refusal_is_final),
        SCENE_TEST(a_broken_network_is_always_tried_with_5),
        SCENE_TEST(a_broker_that_hangs_up_on_5_twice_is_asked_in_3_1_1),
        SCENE_TEST(who_hangs_up_on_both_is_asked_with_5_first),
        SCENE_TEST(a_reconnect_begins_with_5_unless_5_was_refused_in_words),
        SCENE_TEST(a_refusal_in_words_is_believed_for_good),
        SCENE_TEST(a_broker_that_spoke_5_is_not_asked_in_3_1_1),
        SCENE_TEST(a_broker_that_said_something_did_not_hang_up),
        SCENE_TEST(what_others_found_out_is_gone_on_from),
        SCENE_TEST(a_fixed_version_is_not_argued_with),
        SCENE_TEST(a_session_that_is_not_ours_closes_the_connection),
        SCENE_TEST(a_session_that_is_adopted_is_gone_on_with),
        SCENE_TEST(a_session_present_after_clean_start_closes_the_connection),
        SCENE_TEST(an_assigned_client_id_is_used_from_then_on),
        SCENE_TEST(a_server_that_takes_no_ack_is_left),
        SCENE_TEST(a_second_connack_is_a_protocol_error),
        SCENE_TEST(a_packet_before_connack_is_a_protocol_error),
    };
    return cmocka_run_group_tests_name("session_connect", tests, NULL, NULL);
}
