/* The client over WebSocket, against a server that does what a script says. */
#include "client_scene.h"
#include "support/cleanup.h"
#include "support/web_server.h"

#include <stdio.h>
#include <string.h>

enum { BINARY = 2, CLOSE = 8, PONG = 10, HIGH_PAYLOAD = 200000, DISCONNECT_BYTES = 2 };

#define CONNACK_FRAME "\x82\x05\x20\x03\x00\x00\x00"
#define FRAMES(text)                                                                                         \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }

static struct web_server *server;

static int scene_and_server_end(void **state)
{
    int error = scene_end(state);
    return end_of_test(NULL) || error;
}

static void begin(struct scene *s, const struct web_script *script)
{
    server = web_server_start(script);
    s->port = web_server_port(server);
    s->options.broker.is_web = true;
    snprintf(s->options.broker.target, sizeof s->options.broker.target, "/here?a=b");
    given_a_client_of(s, "127.0.0.1");
}

static void given_an_online_web_client(struct scene *s)
{
    static const struct web_script script = {.frames = FRAMES(CONNACK_FRAME)};
    begin(s, &script);
    wait_for(s, is_online);
}

/* The server's thread does not wake the loop. */
static void run_until_frames(struct scene *s, size_t count)
{
    uint64_t until_ns = clock_now_ns() + GUARD_MS * NS_PER_MS;
    while (web_server_frame_count(server) < count && clock_now_ns() < until_ns)
        uv_run(&s->loop, UV_RUN_NOWAIT);
    assert_true(web_server_frame_count(server) >= count);
}

static void then_it_goes_offline(struct scene *s, enum mqtt_cause cause, const char *what)
{
    wait_for(s, is_offline);
    assert_int_equal(last_told(s)->cause, cause);
    if (!strstr(last_told(s)->text, what))
        fail_msg("'%s' is not in '%s'", what, last_told(s)->text);
}

/* ---- the begin ---- */

static void the_request_comes_first_and_connect_in_a_masked_frame(void **state)
{
    struct scene *s = *state;
    char host[64];
    given_an_online_web_client(s);
    struct web_frame connect = web_server_frame(server, 1);
    snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", s->port);
    assert_non_null(strstr(web_server_request(server), host));
    assert_int_equal(strncmp(web_server_request(server), "GET /here?a=b HTTP/1.1\r\n", 24), 0);
    assert_int_equal(connect.opcode, BINARY);
    assert_true(connect.is_masked);
    assert_int_equal(connect.head[0], 0x10);
    assert_string_equal(mqtt_client_security(s->client, host, sizeof host), "plain, WebSocket");
}

/* MQTT-6.0.0-2 */
static void a_packet_may_come_in_pieces_with_a_ping_between_them(void **state)
{
    static const struct web_script script = {.frames = FRAMES("\x02\x01\x20\x89\x03"
                                                              "abc\x00\x03\x03\x00\x00\x80\x01\x00")};
    struct scene *s = *state;
    begin(s, &script);
    wait_for(s, is_online);
    run_until_frames(s, 2);
    struct web_frame pong = web_server_frame(server, 2);
    assert_int_equal(pong.opcode, PONG);
    assert_true(pong.is_masked);
    assert_int_equal(pong.len, 3);
    assert_memory_equal(pong.head, "abc", 3);
}

static void frames_may_follow_the_answer_at_once(void **state)
{
    static const struct web_script script = {.more = "Server: test\r\n",
                                             .frames = FRAMES("\x89\x00" CONNACK_FRAME)};
    struct scene *s = *state;
    begin(s, &script);
    wait_for(s, is_online);
}

static const struct refused {
    struct web_script script;
    enum mqtt_cause cause;
    const char *text;
} refused[] = {
    {{.answer = "HTTP/1.1 404 Not Found\r\n\r\n"},
     MQTT_CAUSE_REFUSED,
     "with 404 Not Found: check the path in the URL"},
    {{.answer = "HTTP/1.1 503 Down\r\n\r\n"}, MQTT_CAUSE_NETWORK, "with 503 Down: "},
    {{.answer = "\x20\x02\x00\x00"}, MQTT_CAUSE_REFUSED, "speaks no HTTP: "},
    {{.protocol = ""}, MQTT_CAUSE_REFUSED, "did not choose the WebSocket subprotocol mqtt"},
    {{.protocol = "amqp"}, MQTT_CAUSE_REFUSED, "chose the WebSocket subprotocol 'amqp'"},
    {{.more = "Sec-WebSocket-Accept: x\r\n"}, MQTT_CAUSE_REFUSED, "a header that is no good"},
};

static void an_answer_that_is_none_is_said(void **state)
{
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        begin(s, &refused[i].script);
        then_it_goes_offline(s, refused[i].cause, refused[i].text);
        close_and_wait(s);
        s->closed = s->told_count = 0;
    }
    s->client = NULL;
}

static void silence_instead_of_an_answer_ends_with_the_timeout(void **state)
{
    static const struct web_script script = {.is_silent = true};
    struct scene *s = *state;
    s->options.address_timeout_ns = 100 * NS_PER_MS;
    begin(s, &script);
    then_it_goes_offline(s, MQTT_CAUSE_NETWORK, " does not go on with the WebSocket handshake");
    web_server_wait_closed(server, 1);
}

static void a_listener_that_closes_is_told_from_a_broker_that_is_not_there(void **state)
{
    struct scene *s = *state;
    s->drops_at_accept = true;
    listen_on(s, "127.0.0.1");
    s->options.broker.is_web = true;
    snprintf(s->options.broker.target, sizeof s->options.broker.target, "/mqtt");
    given_a_client_of(s, "127.0.0.1");
    then_it_goes_offline(
        s, MQTT_CAUSE_NETWORK,
        " closed the connection during the WebSocket handshake: is it the port of its WebSocket "
        "listener, and without TLS?");
}

/* ---- frames out ---- */

static void what_a_turn_queues_leaves_in_one_frame_with_a_mask_of_its_own(void **state)
{
    struct scene *s = *state;
    const struct mqtt_publish publish = {.topic = {"t", 1}, .payload = {"0123456789", 10}, .qos = 1};
    given_an_online_web_client(s);
    for (int i = 0; i < 50; i++)
        assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    uv_run(&s->loop, UV_RUN_NOWAIT);
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    close_and_wait(s);
    struct web_frame first = web_server_frame(server, 1), batch = web_server_frame(server, 2),
                     last = web_server_frame(server, 3);
    assert_int_equal(batch.len, 50 * (last.len - DISCONNECT_BYTES));
    assert_memory_not_equal(batch.mask, first.mask, 4);
    assert_memory_not_equal(batch.mask, last.mask, 4);
    assert_int_equal(web_server_frame(server, 4).opcode, CLOSE);
}

/* Frames end anywhere, and no byte is lost, changed or moved. */
static void a_large_packet_spans_frames(void **state)
{
    struct scene *s = *state;
    static uint8_t payload[HIGH_PAYLOAD];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 31 >> 3);
    const struct mqtt_publish publish = {
        .topic = {"t", 1}, .payload = slice_make(payload, sizeof payload), .qos = 1};
    given_an_online_web_client(s);
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    run_until_frames(s, 5);
    close_and_wait(s);
    web_server_wait_closed(server, 1);
    struct slice all = web_server_payload(server);
    assert_non_null(memmem(all.data, all.len, payload, sizeof payload));
    for (size_t i = 1; i <= web_server_frame_count(server); i++)
        assert_true(web_server_frame(server, i).len <= 0xffff);
}

/* ---- the end ---- */

/* RFC 6455 section 7.1.2 */
static void disconnect_is_followed_by_close_1000(void **state)
{
    struct scene *s = *state;
    given_an_online_web_client(s);
    close_and_wait(s);
    struct web_frame disconnect = web_server_frame(server, 2), end = web_server_frame(server, 3);
    assert_int_equal(disconnect.head[0], 0xe0);
    assert_int_equal(end.opcode, CLOSE);
    assert_int_equal(end.len, 2);
    assert_memory_equal(end.head, "\x03\xe8", 2);
    web_server_wait_closed(server, 1);
}

static void a_server_that_does_not_answer_our_close_is_left(void **state)
{
    static const struct web_script script = {.frames = FRAMES(CONNACK_FRAME), .keeps_open = true};
    struct scene *s = *state;
    begin(s, &script);
    wait_for(s, is_online);
    close_and_wait(s);
    assert_int_equal(web_server_frame(server, 3).opcode, CLOSE);
    web_server_wait_closed(server, 1);
}

static void then_our_close_has(unsigned code)
{
    struct web_frame end = web_server_frame(server, 2);
    assert_int_equal(end.opcode, CLOSE);
    assert_int_equal((unsigned)end.head[0] << 8 | end.head[1], code);
}

static void a_close_of_the_broker_is_said_with_code_and_reason_and_answered(void **state)
{
    static const struct web_script script = {.frames = FRAMES(CONNACK_FRAME "\x88\x0a\x03\xf1too\nlong"),
                                             .keeps_open = true};
    struct scene *s = *state;
    begin(s, &script);
    then_it_goes_offline(s, MQTT_CAUSE_NETWORK, " closed the WebSocket with code 1009 (too?long)");
    then_our_close_has(1009);
}

static void a_close_before_connack_is_said_as_such(void **state)
{
    static const struct web_script script = {.frames = FRAMES("\x88\x00"), .keeps_open = true};
    struct scene *s = *state;
    begin(s, &script);
    then_it_goes_offline(s, MQTT_CAUSE_NETWORK,
                         " closed the WebSocket without a code before it answered CONNECT");
    assert_int_equal(web_server_frame(server, 2).len, 0);
}

/* MQTT-6.0.0-1 */
static void a_text_frame_ends_the_connection(void **state)
{
    static const struct web_script script = {.frames = FRAMES(CONNACK_FRAME "\x81\x02{}"),
                                             .keeps_open = true};
    struct scene *s = *state;
    begin(s, &script);
    then_it_goes_offline(s, MQTT_CAUSE_PROTOCOL,
                         " does not keep to WebSocket: a text frame: MQTT comes in binary ones");
    then_our_close_has(1003);
}

static void a_disconnect_tells_more_than_the_close_behind_it(void **state)
{
    static const struct web_script script = {
        .frames = FRAMES(CONNACK_FRAME "\x82\x04\xe0\x02\x8e\x00\x88\x02\x03\xe8")};
    struct scene *s = *state;
    begin(s, &script);
    wait_for(s, is_offline);
    assert_int_equal(last_told(s)->cause, MQTT_CAUSE_TAKEN_OVER);
}

#define web_test(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_and_server_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        web_test(the_request_comes_first_and_connect_in_a_masked_frame),
        web_test(a_packet_may_come_in_pieces_with_a_ping_between_them),
        web_test(frames_may_follow_the_answer_at_once),
        web_test(an_answer_that_is_none_is_said),
        web_test(silence_instead_of_an_answer_ends_with_the_timeout),
        web_test(a_listener_that_closes_is_told_from_a_broker_that_is_not_there),
        web_test(what_a_turn_queues_leaves_in_one_frame_with_a_mask_of_its_own),
        web_test(a_large_packet_spans_frames),
        web_test(disconnect_is_followed_by_close_1000),
        web_test(a_server_that_does_not_answer_our_close_is_left),
        web_test(a_close_of_the_broker_is_said_with_code_and_reason_and_answered),
        web_test(a_close_before_connack_is_said_as_such),
        web_test(a_text_frame_ends_the_connection),
        web_test(a_disconnect_tells_more_than_the_close_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
