/* The client's end, in every state it can be in. scene_end checks that `closed` came once and that the loop
 * holds nothing of it any more. */
#include "client_scene.h"

#include "mqtt/client_internal.h"

/* MQTT-3.14.4-1, MQTT-3.14.4-2 */
static void close_sends_disconnect(void **state)
{
    struct scene *s = *state;
    given_an_online_client(s);
    mqtt_client_close(s->client, false);
    assert_int_equal(mqtt_client_state(s->client), MQTT_CLOSED);
    assert_int_equal(s->closed, 0);
    wait_for(s, is_closed);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
    assert_int_equal(last_told(s)->state, MQTT_ONLINE); /* nothing was told but `closed` */
}

static void acks_leave_before_disconnect(void **state)
{
    struct scene *s = *state;
    struct buffer packet = {0};
    given_an_online_client(s);
    put_publish(&packet, 7, 10);
    say(s, buffer_data(&packet), buffer_length(&packet));
    s->wanted = 1;
    wait_for(s, has_messages);
    mqtt_client_release(s->client, s->held);
    close_and_wait(s);
    assert_int_equal(s->packets[s->packet_count - 2].head[0], 0x40);
    assert_int_equal(s->packets[s->packet_count - 2].head[3], 7);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
    buffer_finish(&packet);
}

static void a_message_that_comes_after_close_is_neither_told_nor_acknowledged(void **state)
{
    struct scene *s = *state;
    struct buffer packets = {0};
    given_an_online_client(s);
    s->closes_on_message = s->releases = true;
    put_publish(&packets, 1, 10);
    put_publish(&packets, 2, 10);
    say(s, buffer_data(&packets), buffer_length(&packets));
    wait_for(s, is_closed);
    assert_int_equal(s->messages, 1);
    assert_int_equal(count_packets(s, 0x40), 1);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
    buffer_finish(&packets);
}

static void after_close_nothing_can_be_asked_for(void **state)
{
    struct scene *s = *state;
    const struct mqtt_publish publish = {.topic = {"t", 1}};
    given_an_online_client(s);
    mqtt_client_close(s->client, false);
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), -ESHUTDOWN);
    assert_int_equal(mqtt_client_subscribe(s->client, NULL, 0, NULL, 0), -ESHUTDOWN);
    wait_for(s, is_closed);
}

static bool is_in(const struct scene *s)
{
    return s->client->phase == (enum client_phase)s->wanted;
}

static void wait_for_phase(struct scene *s, enum client_phase phase)
{
    s->wanted = phase;
    wait_for(s, is_in);
}

static void close_before_the_first_turn(void **state)
{
    struct scene *s = *state;
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
    close_and_wait(s);
    assert_int_equal(count_packets(s, 0x10), 0);
}

/* Between the callback and the loop's wait for I/O: the look-up or the handshake has begun and cannot be
 * over. */
static void given_a_client_that_is_closed_while_connecting_to(struct scene *s, const char *host)
{
    s->closes_on_state = true;
    s->closes_in = MQTT_CONNECTING;
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, host);
    wait_for(s, is_closed);
    assert_int_equal(s->told_count, 1);
}

static void close_while_resolving_does_not_wait_for_the_name(void **state)
{
    struct scene *s = *state;
    given_a_client_that_is_closed_while_connecting_to(s, "localhost");
    assert_int_equal(s->visit_count, 0);
}

static void close_while_connecting(void **state)
{
    struct scene *s = *state;
    given_a_client_that_is_closed_while_connecting_to(s, "127.0.0.1");
    assert_int_equal(s->packet_count, 0);
}

static void close_before_connack(void **state)
{
    struct scene *s = *state;
    s->connack = (struct slice){0};
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
    s->wanted = 1;
    wait_for(s, has_packets);
    close_and_wait(s);
    assert_int_equal(s->packet_count, 1);
}

static void close_while_backing_off(void **state)
{
    struct scene *s = *state;
    s->options.backoff_min_ns = s->options.backoff_max_ns = 3600 * NS_PER_S;
    listen_on(s, "127.0.0.1");
    stop_listening(s);
    given_a_client_of(s, "127.0.0.1");
    wait_for(s, is_offline);
    close_and_wait(s);
}

static void close_while_an_earlier_connection_ends(void **state)
{
    struct scene *s = *state;
    s->keeps_open = true;
    given_an_online_client(s);
    SAY(s, 0x36, 2, 0, 0); /* QoS 3 */
    wait_for_phase(s, CLIENT_ENDING);
    close_and_wait(s);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
}

static void close_from_a_state_callback(void **state)
{
    struct scene *s = *state;
    s->closes_on_state = true;
    s->closes_in = MQTT_ONLINE;
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
    wait_for(s, is_closed);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
}

static void close_from_the_offline_callback(void **state)
{
    struct scene *s = *state;
    s->closes_on_state = true;
    s->closes_in = MQTT_OFFLINE;
    given_an_online_client(s);
    hang_up(s);
    wait_for(s, is_closed);
    assert_true(is_offline(s));
}

static void a_broker_that_reads_nothing_delays_close_by_a_second_at_most(void **state)
{
    struct scene *s = *state;
    static char bulk[16 * 1024 * 1024];
    const struct mqtt_publish publish = {.topic = {"t", 1}, .payload = {bulk, sizeof bulk}};
    given_an_online_client(s);
    uv_read_stop((uv_stream_t *)&current(s)->tcp);
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    uint64_t begun_ns = clock_now_ns();
    close_and_wait(s);
    assert_in_range(clock_now_ns() - begun_ns, NS_PER_S * 9 / 10, 5 * NS_PER_S);
}

/* MQTT 5: Session Expiry Interval 0 on DISCONNECT */
static void ending_the_session_takes_an_expiry_of_0(void **state)
{
    static const uint8_t expected[] = {0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0};
    struct scene *s = *state;
    given_an_online_client(s);
    mqtt_client_close(s->client, true);
    wait_for(s, is_closed);
    assert_memory_equal(last_packet(s)->head, expected, sizeof expected);
    assert_int_equal(s->visit_count, 1);
}

static void given_an_online_3_1_1_client(struct scene *s)
{
    s->options.session.protocol = MQTT_3_1_1;
    s->connack = connack_3;
    given_an_online_client(s);
}

/* MQTT 3.1.1, 3.1.2.4: Clean Session 1 discards what was kept */
static void ending_the_session_in_3_1_1_takes_a_clean_connection(void **state)
{
    struct scene *s = *state;
    given_an_online_3_1_1_client(s);
    assert_int_equal(s->packets[0].head[9] & 2, 0);
    mqtt_client_close(s->client, true);
    wait_for(s, is_closed);
    assert_int_equal(s->visit_count, 2);
    assert_int_equal(s->packet_count, 4);
    assert_int_equal(s->packets[1].head[0], 0xe0);
    assert_int_equal(s->packets[2].head[0], 0x10);
    assert_int_equal(s->packets[2].head[9] & 2, 2);
    assert_memory_equal(s->packets[2].head + 12, "\0\5scene", 7);
    assert_int_equal(s->packets[3].head[0], 0xe0);
    assert_int_equal(s->packets[3].visit, 2);
    assert_int_equal(s->told_count, 2); /* the user knows nothing of it */
}

static void a_session_that_is_kept_needs_no_second_connection(void **state)
{
    struct scene *s = *state;
    given_an_online_3_1_1_client(s);
    close_and_wait(s);
    assert_int_equal(s->visit_count, 1);
}

static void a_broker_that_does_not_close_is_told_to_forget_all_the_same(void **state)
{
    struct scene *s = *state;
    s->keeps_open = true;
    given_an_online_3_1_1_client(s);
    mqtt_client_close(s->client, true);
    wait_for(s, is_closed);
    assert_int_equal(s->visit_count, 2);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
    assert_int_equal(last_packet(s)->visit, 2);
}

static void the_clean_connection_may_fail(void **state)
{
    struct scene *s = *state;
    given_an_online_3_1_1_client(s);
    stop_listening(s);
    mqtt_client_close(s->client, true);
    wait_for(s, is_closed);
    assert_int_equal(s->visit_count, 1);
}

static void the_clean_connection_may_get_no_answer(void **state)
{
    struct scene *s = *state;
    given_an_online_3_1_1_client(s);
    s->connack = (struct slice){0};
    mqtt_client_close(s->client, true);
    wait_for(s, is_closed);
    assert_int_equal(s->visit_count, 2);
}

static void an_attempt_under_way_goes_on_to_end_the_session(void **state)
{
    struct scene *s = *state;
    s->ends_session = true;
    given_a_client_that_is_closed_while_connecting_to(s, "127.0.0.1");
    assert_int_equal(s->packet_count, 2);
    assert_int_equal(last_packet(s)->head[0], 0xe0);
    assert_int_equal(last_packet(s)->head[4], 0x11);
}

static void nothing_is_tried_to_end_the_session_of_an_absent_broker(void **state)
{
    struct scene *s = *state;
    listen_on(s, "127.0.0.1");
    stop_listening(s);
    given_a_client_of(s, "127.0.0.1");
    wait_for(s, is_offline);
    unsigned told = s->told_count;
    mqtt_client_close(s->client, true);
    wait_for(s, is_closed);
    assert_int_equal(s->told_count, told);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        TEST(close_sends_disconnect),
        TEST(acks_leave_before_disconnect),
        TEST(a_message_that_comes_after_close_is_neither_told_nor_acknowledged),
        TEST(after_close_nothing_can_be_asked_for),
        TEST(close_before_the_first_turn),
        TEST(close_while_resolving_does_not_wait_for_the_name),
        TEST(close_while_connecting),
        TEST(close_before_connack),
        TEST(close_while_backing_off),
        TEST(close_while_an_earlier_connection_ends),
        TEST(close_from_a_state_callback),
        TEST(close_from_the_offline_callback),
        TEST(a_broker_that_reads_nothing_delays_close_by_a_second_at_most),
        TEST(ending_the_session_takes_an_expiry_of_0),
        TEST(ending_the_session_in_3_1_1_takes_a_clean_connection),
        TEST(a_session_that_is_kept_needs_no_second_connection),
        TEST(a_broker_that_does_not_close_is_told_to_forget_all_the_same),
        TEST(the_clean_connection_may_fail),
        TEST(the_clean_connection_may_get_no_answer),
        TEST(an_attempt_under_way_goes_on_to_end_the_session),
        TEST(nothing_is_tried_to_end_the_session_of_an_absent_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
