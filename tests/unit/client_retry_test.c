/* The client when the broker is not there, drops it, refuses it or speaks nonsense: when does it try again?
 */
#include "client_scene.h"

static void begin(struct scene *s)
{
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
}

/* A port that nobody listens on. */
static void given_no_broker(struct scene *s)
{
    listen_on(s, "127.0.0.1");
    stop_listening(s);
}

static unsigned count_told(const struct scene *s, enum mqtt_state state)
{
    unsigned count = 0;
    for (unsigned i = 0; i < s->told_count; i++)
        count += s->told[i].state == state;
    return count;
}

static void a_refused_connection_is_tried_again_until_the_broker_is_there(void **state)
{
    struct scene *s = *state;
    char expected[64];
    given_no_broker(s);
    given_a_client_of(s, "127.0.0.1");
    s->wanted = 4;
    wait_for(s, has_told);
    snprintf(expected, sizeof expected, "cannot reach 127.0.0.1:%u: connection refused", s->port);
    assert_int_equal(s->told[1].state, MQTT_OFFLINE);
    assert_int_equal(s->told[1].cause, MQTT_CAUSE_NETWORK);
    assert_string_equal(s->told[1].text, expected);
    assert_true(s->told[1].retry_ns > 0);
    assert_string_equal(s->told[3].text, expected);
    assert_int_equal(s->visit_count, 0);
    listen_on(s, "127.0.0.1");
    wait_for(s, is_online);
}

static void the_port_of_an_ipv6_address_stands_outside_the_brackets(void **state)
{
    struct scene *s = *state;
    char expected[64];
    given_no_broker(s);
    given_a_client_of(s, "::1");
    wait_for(s, is_offline);
    snprintf(expected, sizeof expected, "cannot reach [::1]:%u: ", s->port);
    assert_memory_equal(last_told(s)->text, expected, strlen(expected));
}

/* The k-th delay is between half and the whole of min * 2^k, at most max. */
static void assert_backoff(const struct scene *s, const struct told *told, unsigned failures)
{
    uint64_t whole_ns = s->options.backoff_min_ns << failures;
    if (whole_ns > s->options.backoff_max_ns)
        whole_ns = s->options.backoff_max_ns;
    assert_in_range(told->retry_ns, whole_ns / 2, whole_ns);
}

static void a_broker_that_drops_at_accept_makes_no_busy_loop(void **state)
{
    struct scene *s = *state;
    s->options.session.protocol = MQTT_5;
    s->drops_at_accept = true;
    begin(s);
    s->wanted = 20;
    wait_for(s, has_visits);
    uint64_t least_ns = 0;
    unsigned failures = 0;
    for (unsigned i = 0; i < s->told_count; i++) {
        if (s->told[i].state != MQTT_OFFLINE)
            continue;
        assert_backoff(s, &s->told[i], failures < 8 ? failures : 8);
        least_ns += failures < 19 ? s->told[i].retry_ns : 0;
        failures++;
    }
    assert_in_range(failures, 19, 20);
    assert_true(s->accepted_ns[19] - s->accepted_ns[0] >= least_ns * 9 / 10);
}

/* With two versions to try the second may follow at once; the pair waits. */
static void a_broker_that_drops_both_versions_is_asked_in_pairs(void **state)
{
    struct scene *s = *state;
    s->drops_at_accept = true;
    begin(s);
    s->wanted = 12;
    wait_for(s, has_visits);
    unsigned waits = 0, at_once = 0;
    for (unsigned i = 0; i < s->told_count; i++) {
        if (s->told[i].state != MQTT_OFFLINE)
            continue;
        if (s->told[i].cause == MQTT_CAUSE_VERSION) {
            assert_int_equal(s->told[i].retry_ns, 0);
            at_once++;
        } else {
            assert_backoff(s, &s->told[i], waits < 8 ? waits : 8);
            waits++;
        }
    }
    assert_in_range(at_once, 5, 6);
    assert_in_range(waits, 6, 7);
}

static void a_broker_that_accepts_us_and_drops_us_makes_no_busy_loop(void **state)
{
    struct scene *s = *state;
    begin(s);
    for (unsigned failures = 0; failures < 6; failures++) {
        wait_for(s, is_online);
        hang_up(s);
        wait_for(s, is_offline);
        assert_backoff(s, last_told(s), failures);
        assert_non_null(strstr(last_told(s)->text, "closed the connection"));
    }
}

static void a_connection_that_lasted_resets_the_backoff(void **state)
{
    struct scene *s = *state;
    s->options.stable_ns = 1;
    begin(s);
    for (int i = 0; i < 6; i++) {
        wait_for(s, is_online);
        hang_up(s);
        wait_for(s, is_offline);
        assert_backoff(s, last_told(s), 0);
    }
}

static bool has_that_many(const struct scene *s, uint8_t first_byte)
{
    return count_packets(s, first_byte) >= s->wanted;
}

static bool has_publishes(const struct scene *s)
{
    return has_that_many(s, 0x32);
}

static bool has_pubacks(const struct scene *s)
{
    return has_that_many(s, 0x40);
}

/* Online, and the broker has the client's `number`th publish. */
static void given_a_publish(struct scene *s, unsigned number)
{
    const struct mqtt_publish publish = {.topic = {"t", 1}, .qos = 1};
    wait_for(s, is_online);
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    s->wanted = number;
    wait_for(s, has_publishes);
}

static void a_refusal_a_connection_resets_the_backoff_and_is_said(void **state)
{
    struct scene *s = *state;
    s->reason = 0x87;
    begin(s);
    for (uint8_t id = 1; id <= 6; id++) {
        given_a_publish(s, id);
        SAY(s, 0x40, 3, 0, id, 0x87);
        hang_up(s);
        wait_for(s, is_offline);
        assert_int_equal(s->published, id);
        assert_backoff(s, last_told(s), 0);
        assert_non_null(
            strstr(last_told(s)->text,
                   " closed the connection after it refused a publish to t: Not authorized (0x87)"));
    }
}

static void an_acknowledged_message_resets_the_backoff(void **state)
{
    struct scene *s = *state;
    struct buffer packet = {0};
    put_publish(&packet, 1, 10);
    s->releases = true;
    begin(s);
    for (s->wanted = 1; s->wanted <= 6; s->wanted++) {
        wait_for(s, is_online);
        say(s, buffer_data(&packet), buffer_length(&packet));
        wait_for(s, has_pubacks);
        hang_up(s);
        wait_for(s, is_offline);
        assert_backoff(s, last_told(s), 0);
    }
    buffer_finish(&packet);
}

/* Quota exceeded. */
static void a_broker_that_is_busy_is_spared_whatever_it_got_done(void **state)
{
    struct scene *s = *state;
    begin(s);
    for (uint8_t id = 1; id <= 4; id++) {
        given_a_publish(s, id);
        SAY(s, 0x40, 2, 0, id, 0xe0, 2, 0x97, 0);
        wait_for(s, is_offline);
        assert_int_equal(s->published, id);
        assert_int_equal(last_told(s)->cause, MQTT_CAUSE_BUSY);
        assert_backoff(s, last_told(s), id - 1u);
    }
}

static void a_publish_that_ends_connections_unanswered_is_named_the_second_time(void **state)
{
    struct scene *s = *state;
    begin(s);
    given_a_publish(s, 1);
    hang_up(s);
    wait_for(s, is_offline);
    assert_null(strstr(last_told(s)->text, "publish"));
    assert_backoff(s, last_told(s), 0);
    s->wanted = 2;
    wait_for(s, has_publishes);
    hang_up(s);
    wait_for(s, is_offline);
    assert_non_null(strstr(last_told(s)->text, " with a publish to t unanswered, not for the first time"));
    assert_backoff(s, last_told(s), 1);
}

static void a_reset_connection_is_a_lost_connection(void **state)
{
    struct scene *s = *state;
    begin(s);
    wait_for(s, is_online);
    reset_connection(s);
    wait_for(s, is_offline);
    assert_int_equal(last_told(s)->cause, MQTT_CAUSE_NETWORK);
    assert_non_null(strstr(last_told(s)->text, "connection reset"));
    wait_for(s, is_online);
}

/* As a TLS listener does it that is sent CONNECT in the clear: with a reset, or by the book. */
static void an_end_before_connack_may_be_a_tls_listener(void **state)
{
    struct scene *s = *state;
    s->options.session.protocol = MQTT_3_1_1;
    s->connack = (struct slice){0};
    begin(s);
    s->wanted = 1;
    wait_for(s, has_packets);
    reset_connection(s);
    wait_for(s, is_offline);
    assert_non_null(strstr(last_told(s)->text, ": connection reset before it answered CONNECT: is it a TLS "
                                               "listener? write mqtts:// then"));
    s->wanted = 2;
    wait_for(s, has_packets);
    hang_up(s);
    wait_for(s, is_offline);
    assert_non_null(strstr(last_told(s)->text,
                           " closed the connection before it answered CONNECT: is it a TLS "
                           "listener? write mqtts:// then"));
}

static bool has_been_offline(const struct scene *s)
{
    return count_told(s, MQTT_OFFLINE) >= s->wanted;
}

/* The n-th time that the client was offline. It need not be so any more: a retry at once follows in the same
 * turn of the loop. */
static const struct told *offline_for_the(struct scene *s, unsigned n)
{
    s->wanted = n;
    wait_for(s, has_been_offline);
    const struct told *told = s->told;
    while (told->state != MQTT_OFFLINE || --n > 0)
        told++;
    return told;
}

static const struct told *hang_up_on_connect(struct scene *s, unsigned packets)
{
    s->wanted = packets;
    wait_for(s, has_packets);
    assert_int_equal(last_packet(s)->head[0], 0x10);
    hang_up(s);
    const struct told *told = offline_for_the(s, packets);
    assert_non_null(strstr(told->text, " closed the connection before it answered CONNECT: is it a TLS "
                                       "listener (mqtts://), or does it speak only MQTT 3.1.1? that "
                                       "is tried too"));
    return told;
}

/* As RabbitMQ 3.10 does it. In the same words each time: they are logged once. */
static void a_broker_that_hangs_up_on_5_again_gets_3_1_1_at_once(void **state)
{
    struct scene *s = *state;
    s->options.session.protocol = MQTT_AUTO;
    s->connack = (struct slice){0};
    s->connack_of_3 = connack_3;
    begin(s);
    const struct told *told = hang_up_on_connect(s, 1);
    assert_int_equal(told->cause, MQTT_CAUSE_NETWORK);
    assert_backoff(s, told, 0);
    told = hang_up_on_connect(s, 2);
    assert_int_equal(told->cause, MQTT_CAUSE_VERSION);
    assert_int_equal(told->retry_ns, 0);
    wait_for(s, is_online);
    assert_int_equal(last_packet(s)->head[8], 4);
    hang_up(s);
    offline_for_the(s, 3);
    s->wanted = 4; /* 5 once more */
    wait_for(s, has_packets);
    assert_int_equal(last_packet(s)->head[8], 5);
    hang_up(s);
    told = offline_for_the(s, 4);
    assert_non_null(strstr(told->text, " before it answered CONNECT of MQTT 5, once more: 3.1.1 is next"));
    assert_int_equal(told->retry_ns, 0);
    wait_for(s, is_online);
    assert_int_equal(last_packet(s)->head[8], 4);
}

/* A network that resets each connection until it is mended. */
static void a_broken_network_leads_to_no_other_version(void **state)
{
    struct scene *s = *state;
    s->options.session.protocol = MQTT_AUTO;
    s->connack = (struct slice){0};
    begin(s);
    for (unsigned i = 1; i <= 4; i++) {
        s->wanted = i;
        wait_for(s, has_packets);
        assert_int_equal(last_packet(s)->head[8], 5);
        reset_connection(s);
        wait_for(s, is_offline);
    }
    s->connack = connack_5;
    wait_for(s, is_online);
    assert_int_equal(last_packet(s)->head[8], 5);
}

static void refused_credentials_are_tried_slowly(void **state)
{
    struct scene *s = *state;
    s->connack = slice_make("\x20\x03\x00\x86\x00", 5); /* Bad User Name or Password */
    s->options.backoff_min_ns = s->options.backoff_max_ns = NS_PER_MS;
    begin(s);
    s->wanted = 4;
    wait_for(s, has_visits);
    assert_int_equal(count_told(s, MQTT_OFFLINE), 3);
    for (unsigned i = 1; i < 4; i++)
        assert_true(s->accepted_ns[i] - s->accepted_ns[i - 1] >= s->options.refused_backoff_ns / 2);
    assert_int_equal(s->told[1].cause, MQTT_CAUSE_REFUSED);
    assert_in_range(s->told[1].retry_ns, s->options.refused_backoff_ns / 2, s->options.refused_backoff_ns);
    s->connack = connack_5;
    wait_for(s, is_online);
}

static void a_session_taken_over_is_not_fought_for(void **state)
{
    struct scene *s = *state;
    s->options.backoff_min_ns = s->options.backoff_max_ns = NS_PER_MS;
    begin(s);
    wait_for(s, is_online);
    SAY(s, 0xe0, 2, 0x8e, 0);
    wait_for(s, is_offline);
    assert_int_equal(last_told(s)->cause, MQTT_CAUSE_TAKEN_OVER);
    assert_in_range(last_told(s)->retry_ns, s->options.refused_backoff_ns / 2, s->options.refused_backoff_ns);
}

/* MQTT-4.13.2-1 */
static void nonsense_is_answered_with_0x81_and_left(void **state)
{
    struct scene *s = *state;
    begin(s);
    for (unsigned failures = 0; failures < 4; failures++) {
        wait_for(s, is_online);
        SAY(s, 0x36, 2, 0, 0, 0xff, 0xff, 0xff); /* QoS 3 (MQTT-3.3.1-4) */
        wait_for(s, is_offline);
        assert_int_equal(last_told(s)->cause, MQTT_CAUSE_PROTOCOL);
        assert_backoff(s, last_told(s), failures);
        assert_int_equal(last_packet(s)->head[0], 0xe0);
        assert_int_equal(last_packet(s)->head[2], 0x81);
        assert_int_equal(last_packet(s)->visit, s->visit_count);
    }
}

/* MQTT-3.14.4-1, MQTT-3.14.4-2: nothing follows our DISCONNECT, and the connection is closed, by us when the
 * broker does not. */
static void a_broker_that_does_not_close_after_disconnect_is_left(void **state)
{
    struct scene *s = *state;
    s->keeps_open = true;
    begin(s);
    wait_for(s, is_online);
    SAY(s, 0x36, 2, 0, 0);
    wait_for(s, is_offline);
    assert_true(current(s)->gone);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
    assert_int_equal(last_told(s)->cause, MQTT_CAUSE_PROTOCOL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        TEST(a_refused_connection_is_tried_again_until_the_broker_is_there),
        TEST(the_port_of_an_ipv6_address_stands_outside_the_brackets),
        TEST(a_broker_that_drops_at_accept_makes_no_busy_loop),
        TEST(a_broker_that_drops_both_versions_is_asked_in_pairs),
        TEST(a_broker_that_accepts_us_and_drops_us_makes_no_busy_loop),
        TEST(a_connection_that_lasted_resets_the_backoff),
        TEST(a_refusal_a_connection_resets_the_backoff_and_is_said),
        TEST(an_acknowledged_message_resets_the_backoff),
        TEST(a_broker_that_is_busy_is_spared_whatever_it_got_done),
        TEST(a_publish_that_ends_connections_unanswered_is_named_the_second_time),
        TEST(a_reset_connection_is_a_lost_connection),
        TEST(an_end_before_connack_may_be_a_tls_listener),
        TEST(a_broker_that_hangs_up_on_5_again_gets_3_1_1_at_once),
        TEST(a_broken_network_leads_to_no_other_version),
        TEST(refused_credentials_are_tried_slowly),
        TEST(a_session_taken_over_is_not_fought_for),
        TEST(nonsense_is_answered_with_0x81_and_left),
        TEST(a_broker_that_does_not_close_after_disconnect_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
