/* The WebSocket handshake: what is asked, and what the answers mean. */
#include "mqtt/ws_handshake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* RFC 6455 section 1.3 */
#define KEY         "dGhlIHNhbXBsZSBub25jZQ=="
#define STATUS      "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE     "Upgrade: websocket\r\n"
#define CONNECTION  "Connection: Upgrade\r\n"
#define ACCEPT      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SUBPROTOCOL "Sec-WebSocket-Protocol: mqtt\r\n"

static struct ws_answer answer;

static int read_text(const char *text)
{
    answer = (struct ws_answer){0};
    return ws_handshake_read(slice_of(text), KEY, &answer);
}

static void then_it_is_refused(const char *text, enum mqtt_cause cause, const char *why)
{
    assert_int_equal(read_text(text), -EPROTO);
    assert_string_equal(answer.why, why);
    assert_int_equal(answer.cause, cause);
}

static void the_example_of_the_rfc_holds(void **unused)
{
    (void)unused;
    char key[WS_KEY_SIZE], accept[WS_ACCEPT_SIZE];
    ws_handshake_key((const uint8_t *)"the sample nonce", key);
    assert_string_equal(key, KEY);
    ws_handshake_accept(key, accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void then_the_host_is(const char *host, uint16_t port, bool is_tls, const char *expected)
{
    struct ws_request request = {
        .host = host, .port = port, .is_tls = is_tls, .target = "/mqtt?a=b", .key = KEY};
    struct buffer out = {0};
    char text[512];
    snprintf(text, sizeof text,
             "GET /mqtt?a=b HTTP/1.1\r\nHost: %s\r\nUser-Agent: hark\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
             expected);
    ws_handshake_request(&out, &request);
    assert_int_equal(buffer_length(&out), strlen(text));
    assert_memory_equal(buffer_data(&out), text, strlen(text));
    buffer_finish(&out);
}

/* MQTT-6.0.0-3 */
static void the_request_names_target_host_and_subprotocol(void **unused)
{
    (void)unused;
    then_the_host_is("h.example", 80, false, "h.example");
    then_the_host_is("h.example", 443, true, "h.example");
    then_the_host_is("h.example", 443, false, "h.example:443");
    then_the_host_is("h.example", 9001, true, "h.example:9001");
    then_the_host_is("::1", 9001, false, "[::1]:9001");
}

static void a_right_answer_is_taken_and_frames_may_follow(void **unused)
{
    (void)unused;
    static const char good[] = STATUS UPGRADE CONNECTION ACCEPT SUBPROTOCOL "\r\n";
    assert_int_equal(read_text(STATUS UPGRADE CONNECTION ACCEPT SUBPROTOCOL "\r\n\x82\x01x"), 0);
    assert_int_equal(answer.len, sizeof good - 1);
    for (size_t len = 0; len < sizeof good - 1; len++)
        assert_int_equal(ws_handshake_read(slice_make(good, len), KEY, &answer), -EAGAIN);
}

/* RFC 9110 section 5.1, RFC 6455 section 4.1: names and these values in any case, in any order, in lists. */
static void headers_are_read_as_http_means_them(void **unused)
{
    (void)unused;
    assert_int_equal(
        read_text("HTTP/1.1 101\r\n" SUBPROTOCOL "server: x\r\nCONNECTION:keep-alive ,\tupgrade\t\r\n"
                  "sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  \r\nupgrade: h2c, WebSocket\r\n"
                  "X-Empty:\r\n\r\n"),
        0);
}

static void a_status_other_than_101_is_said_with_advice(void **unused)
{
    (void)unused;
    then_it_is_refused(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!", MQTT_CAUSE_REFUSED,
        "the broker answered the WebSocket request with 404 Not Found: check the path in the URL");
    then_it_is_refused(
        "HTTP/1.1 400 Bad Request\r\n\r\n", MQTT_CAUSE_REFUSED,
        "the broker answered the WebSocket request with 400 Bad Request: check the path in the URL");
    then_it_is_refused(
        "HTTP/1.1 401 Unauthorized\r\n\r\n", MQTT_CAUSE_REFUSED,
        "the broker answered the WebSocket request with 401 Unauthorized: what is in front of the "
        "broker lets nobody in without a login of its own");
    then_it_is_refused(
        "HTTP/1.1 503 Service Unavailable\r\n\r\n", MQTT_CAUSE_NETWORK,
        "the broker answered the WebSocket request with 503 Service Unavailable: what is in front of "
        "the broker cannot reach it, or it is too busy");
    then_it_is_refused(
        "HTTP/1.0 200 OK\r\n\r\n<html>", MQTT_CAUSE_REFUSED,
        "the broker answered the WebSocket request with 200 OK: an ordinary web page is there; check "
        "the path and the port in the URL");
}

static void a_redirect_says_where_to_and_nothing_that_harms_a_log(void **unused)
{
    (void)unused;
    then_it_is_refused(
        "HTTP/1.1 301 Moved\tPermanently\r\nLocation: https://other.example/\x1b[2Jmqtt\r\n\r\n",
        MQTT_CAUSE_REFUSED,
        "the broker answered the WebSocket request with 301 Moved?Permanently, to "
        "https://other.example/?[2Jmqtt: write that place in the URL, with ws:// or wss://");
}

static void what_is_no_http_is_said_at_its_first_byte(void **unused)
{
    (void)unused;
    static const char no_http[] = "what answers the WebSocket request speaks no HTTP: write the port of the "
                                  "broker's WebSocket listener, or mqtt://";
    then_it_is_refused("\x20\x02", MQTT_CAUSE_REFUSED, no_http);
    then_it_is_refused("HTTP/2", MQTT_CAUSE_REFUSED, no_http);
    then_it_is_refused("HTTP/1.1 1O1 x\r\n\r\n", MQTT_CAUSE_REFUSED, no_http);
    then_it_is_refused("\x15\x03\x01", MQTT_CAUSE_REFUSED,
                       "what answers the WebSocket request speaks TLS: write wss://");
}

/* MQTT-6.0.0-4 */
static void the_subprotocol_must_be_mqtt(void **unused)
{
    (void)unused;
    then_it_is_refused(
        STATUS UPGRADE CONNECTION ACCEPT "\r\n", MQTT_CAUSE_REFUSED,
        "the broker did not choose the WebSocket subprotocol mqtt: check the path and the port in the "
        "URL");
    then_it_is_refused(STATUS UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: stomp\r\n\r\n",
                       MQTT_CAUSE_REFUSED,
                       "the broker chose the WebSocket subprotocol 'stomp' instead of mqtt");
    assert_int_equal(read_text(STATUS UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: MQTT\r\n\r\n"),
                     -EPROTO);
}

static const char *const no_upgrades[] = {
    STATUS CONNECTION ACCEPT SUBPROTOCOL "\r\n",
    STATUS UPGRADE ACCEPT SUBPROTOCOL "\r\n",
    STATUS UPGRADE CONNECTION SUBPROTOCOL "\r\n",
    STATUS UPGRADE CONNECTION SUBPROTOCOL "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    STATUS UPGRADE CONNECTION SUBPROTOCOL "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n",
    STATUS UPGRADE CONNECTION SUBPROTOCOL "Sec-WebSocket-Accept:\r\n\r\n",
};

static void an_answer_to_somebody_else_is_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof no_upgrades / sizeof *no_upgrades; i++)
        then_it_is_refused(
            no_upgrades[i], MQTT_CAUSE_REFUSED,
            "the broker's answer to the WebSocket request is none to ours (Upgrade, Connection or "
            "Sec-WebSocket-Accept is wrong): what is in between may spoil it");
}

static const char *const bad_headers[] = {
    STATUS UPGRADE CONNECTION ACCEPT ACCEPT SUBPROTOCOL "\r\n",
    STATUS UPGRADE CONNECTION ACCEPT SUBPROTOCOL SUBPROTOCOL "\r\n",
    STATUS UPGRADE "Connection:\r\n Upgrade\r\n" ACCEPT SUBPROTOCOL "\r\n",
    STATUS UPGRADE "Connection : Upgrade\r\n" ACCEPT SUBPROTOCOL "\r\n",
    STATUS "no header\r\n" UPGRADE CONNECTION ACCEPT SUBPROTOCOL "\r\n",
    STATUS ": x\r\n" UPGRADE CONNECTION ACCEPT SUBPROTOCOL "\r\n",
};

static void headers_that_are_none_are_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof bad_headers / sizeof *bad_headers; i++)
        then_it_is_refused(bad_headers[i], MQTT_CAUSE_REFUSED,
                           "the broker's answer to the WebSocket request has a header that is no good");
}

static void an_extension_that_nobody_asked_for_is_refused(void **unused)
{
    (void)unused;
    then_it_is_refused(
        STATUS UPGRADE CONNECTION ACCEPT SUBPROTOCOL "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        MQTT_CAUSE_REFUSED,
        "the broker turned on a WebSocket extension that nobody asked for: permessage-deflate");
}

static void an_answer_without_end_is_given_up(void **unused)
{
    (void)unused;
    static char text[WS_ANSWER_MAX + 1];
    memset(text, 'x', WS_ANSWER_MAX);
    memcpy(text, STATUS "a: ", sizeof STATUS + 2);
    assert_int_equal(ws_handshake_read(slice_make(text, WS_ANSWER_MAX - 1), KEY, &answer), -EAGAIN);
    then_it_is_refused(text, MQTT_CAUSE_REFUSED,
                       "the broker's answer to the WebSocket request does not end within 16 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_holds),
        cmocka_unit_test(the_request_names_target_host_and_subprotocol),
        cmocka_unit_test(a_right_answer_is_taken_and_frames_may_follow),
        cmocka_unit_test(headers_are_read_as_http_means_them),
        cmocka_unit_test(a_status_other_than_101_is_said_with_advice),
        cmocka_unit_test(a_redirect_says_where_to_and_nothing_that_harms_a_log),
        cmocka_unit_test(what_is_no_http_is_said_at_its_first_byte),
        cmocka_unit_test(the_subprotocol_must_be_mqtt),
        cmocka_unit_test(an_answer_to_somebody_else_is_refused),
        cmocka_unit_test(headers_that_are_none_are_refused),
        cmocka_unit_test(an_extension_that_nobody_asked_for_is_refused),
        cmocka_unit_test(an_answer_without_end_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
