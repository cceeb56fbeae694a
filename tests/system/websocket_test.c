/* websocket_test.c: brokers behind ws:// and wss://: what comes through, what survives, and what hark says of
 * what is no such broker. */
#include "shared/check.h"
#include "shared/clock.h"
#include "support/certificates.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/proxy.h"
#include "support/stage.h"
#include "support/web_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 10000, STEP = 2500, CUT_MS = 1000, ENOUGH_MS = 80000, LARGE_BYTES = 1 << 20, WAKES = 4000 };

#define RELAY_MANIFEST                                                                                       \
    "function: relay\nhandler: relay.so\ntriggers: [ { topic: full/+, qos: 2 } ]\npublishes: [ out/full/+ "  \
    "]\n"                                                                                                    \
    "limits: { payload: 2MiB, memory: 256MiB }\n"

static struct broker *broker_with_web(void)
{
    return broker_start_with(&(struct broker_options){.has_web = true});
}

/* With a certificate of its own for 127.0.0.1, which is its authority's too: crt in the folder. */
static struct broker *broker_with_secure_web(const char *folder)
{
    struct certificate c = certificate_make(&(struct certificate_options){
        .name = "broker", .alternatives = "DNS:localhost,IP:127.0.0.1", .is_authority = true});
    certificate_write(&c, path_in(folder, "broker.crt"));
    certificate_write_key(&c, path_in(folder, "broker.key"), NULL);
    certificate_free(&c);
    return broker_start_with(&(struct broker_options){
        .certificate = path_in(folder, "broker.crt"), .key = path_in(folder, "broker.key"), .has_web = true});
}

static struct hark *hark_to(const char *scheme, uint16_t port, const char *target)
{
    char *url; /* hark_prepare borrows it */
    CHECK(asprintf(&url, "%s127.0.0.1:%u%s", scheme, port, target) > 0);
    at_end_of_test(free, url);
    return hark_prepare(url);
}

static void given_a_relay(struct hark *h)
{
    file_copy(path_in(TEST_FUNCTIONS, "relay.so"), hark_file(h, "relay.so"));
    hark_manifest(h, "relay", RELAY_MANIFEST);
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
}

static void given_an_echo(struct hark *h)
{
    hark_install(h, "echo.so", "echo.so");
    hark_manifest(
        h, "echo",
        "function: echo\nhandler: echo.so\ntriggers: [ { topic: echo/in } ]\npublishes: [ echo/out ]\n");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
}

/* Through the listener without WebSocket: what the two sides share is the broker. */
static struct device *visitor(struct broker *b)
{
    struct device *d = device_connect(broker_port(b), "visitor");
    device_subscribe(d, "out/#", 2);
    return d;
}

/* ---- what comes through ---- */

static void each_qos_goes_both_ways(void **unused)
{
    (void)unused;
    struct broker *b = broker_with_web();
    struct hark *h = hark_to("ws://", broker_web_port(b), "");
    given_a_relay(h);
    struct device *d = visitor(b);
    for (int qos = 0; qos <= 2; qos++) {
        char topic[32], payload[32];
        snprintf(topic, sizeof topic, "full/%d", qos);
        snprintf(payload, sizeof payload, "at %d", qos);
        device_publish(d, topic, payload, qos);
        const struct message *m = device_wait(d, "out/#");
        assert_string_equal(m->payload, payload);
        assert_int_equal(m->qos, qos);
    }
    assert_int_equal(hark_stop(h), 0);
}

/* mosquitto 2.0.11 hands over 4 KiB of what is larger in each turn of its loop, and has ten turns a second
 * when it has nothing else to do. So somebody keeps it awake. */
static void megabytes_go_both_ways(struct broker *b)
{
    struct device *d = visitor(b), *waker = device_connect(broker_port(b), "waker");
    char *text = malloc(LARGE_BYTES + 1);
    text[LARGE_BYTES] = '\0';
    for (int i = 0; i <= 2; i++) {
        for (size_t at = 0; at < LARGE_BYTES; at++)
            text[at] = (char)('a' + (at * 31 + at / 1000 + (size_t)i) % 26);
        device_flood(waker, "awake", WAKES, 1);
        device_publish(d, "full/large", text, i);
        device_expect(d, "out/full/large", text);
        device_flood_join(waker);
    }
    free(text);
}

static void large_messages_go_both_ways(void **unused)
{
    (void)unused;
    struct broker *b = broker_with_web();
    struct hark *h = hark_to("ws://", broker_web_port(b), "/mqtt?ask=1");
    given_a_relay(h);
    megabytes_go_both_ways(b);
    assert_int_equal(hark_stop(h), 0);
}

static void with_tls_below_it_the_settings_of_tls_count(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct broker *b = broker_with_secure_web(folder);
    struct hark *h = hark_prepare(NULL);
    h->config = path_in(folder, "hark.yaml");
    h->more[0] = "--verbose";
    file_print(h->config,
               "broker: site\nbrokers:\n  site: { url: \"wss://127.0.0.1:%u/mqtt\", ca_file: broker.crt }\n",
               broker_web_tls_port(b));
    given_a_relay(h);
    assert_int_equal(
        hark_count_lines(h,
                         "function=relay online, session new, TLSv1\\.3, [A-Z0-9_]+(, resumed)?, WebSocket$"),
        1);
    megabytes_go_both_ways(b);
    assert_int_equal(hark_stop(h), 0);
}

static void dead_letters_are_redriven_over_it(void **unused)
{
    (void)unused;
    struct broker *b = broker_with_web();
    struct hark *h = hark_to("ws://", broker_web_port(b), "");
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST "retry: { attempts: 1 }\n");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    struct device *d = visitor(b);
    device_subscribe(d, "puppet/do", 1);
    device_subscribe(d, "hark/dead/#", 1);
    device_publish(d, "puppet/do", "reject", 1);
    device_expect(d, "puppet/do", "reject");
    device_wait(d, "hark/dead/puppet");
    assert_int_equal(hark_stop(h), 0);
    struct outcome o = hark_command("dead", "--state", h->state, "--node", TEST_NODE, "redrive", "--broker",
                                    h->broker, "--all");
    assert_int_equal(o.code, 0);
    device_expect(d, "puppet/do", "reject");
}

/* ---- what survives ---- */

static void then_all_are_answered_through_cuts(struct hark *h, struct broker *b, struct proxy *p)
{
    given_an_echo(h);
    struct tally *tally = tally_create(MESSAGES);
    struct device *receiver = device_connect_with(
        &(struct device_options){.port = broker_port(b), .id = "receiver", .is_v311 = true, .resumes = true});
    device_tally(receiver, tally);
    device_subscribe(receiver, "echo/out", 2);
    struct device *sender = device_connect(broker_port(b), "sender");
    device_flood(sender, "echo/in", MESSAGES, 20);
    size_t cuts = 0;
    uint64_t until_ns = clock_now_ns() + ENOUGH_MS * NS_PER_MS;
    while (!tally_complete(tally, 0) && clock_now_ns() < until_ns) {
        tally_reaches(tally, tally_distinct(tally) + 1, GUARD_MS);
        tally_reaches(tally, tally_distinct(tally) + STEP, CUT_MS);
        cuts += proxy_cut(p) > 0;
    }
    print_message("%zu cuts, %zu replies, %zu duplicates\n", cuts, tally_distinct(tally),
                  tally_duplicates(tally));
    assert_int_equal(tally_distinct(tally), MESSAGES);
    device_flood_join(sender);
    assert_int_equal(tally_strange(tally), 0);
    assert_true(cuts >= 2);
}

static void cuts_in_the_middle_of_frames_lose_nothing(void **unused)
{
    (void)unused;
    struct broker *b = broker_with_web();
    struct proxy *p = proxy_start(broker_web_port(b));
    then_all_are_answered_through_cuts(hark_to("ws://", proxy_port(p), ""), b, p);
}

static void cuts_below_tls_lose_nothing(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    struct broker *b = broker_with_secure_web(folder);
    struct proxy *p = proxy_start(broker_web_tls_port(b));
    struct hark *h = hark_to("wss://", proxy_port(p), "");
    h->more[0] = "--ca-file";
    h->more[1] = path_in(folder, "broker.crt");
    then_all_are_answered_through_cuts(h, b, p);
}

static void what_came_while_the_broker_was_out_of_reach_is_answered_later(void **unused)
{
    (void)unused;
    struct broker *b = broker_with_web();
    struct proxy *p = proxy_start(broker_web_port(b));
    struct hark *h = hark_to("ws://", proxy_port(p), "");
    h->more[0] = "--verbose";
    given_an_echo(h);
    struct device *d = visitor(b);
    device_subscribe(d, "echo/out", 1);
    proxy_hang_up(p, true);
    assert_true(proxy_cut(p) > 0);
    hark_wait_line(h, "^hark: warning: broker ws://127\\.0\\.0\\.1:[0-9]+/mqtt: .*; next try in ");
    device_publish(d, "echo/in", "meanwhile", 1);
    proxy_hang_up(p, false);
    device_expect(d, "echo/out", "meanwhile one");
    hark_wait_line(h, "function=echo online, session resumed, plain, WebSocket$");
}

static void a_broker_that_closes_is_waited_for(void **unused)
{
    (void)unused;
    struct broker *b = broker_with_web();
    struct hark *h = hark_to("ws://", broker_web_port(b), "");
    given_an_echo(h);
    broker_stop(b);
    hark_wait_line(h, "^hark: warning: broker ws://.*; next try in ");
    broker_up(b);
    broker_wait_line(b, "hark/" TEST_NODE "/echo 1 echo/in$");
    struct device *d = visitor(b);
    device_subscribe(d, "echo/out", 1);
    device_publish(d, "echo/in", "again", 1);
    device_expect(d, "echo/out", "again one");
}

/* ---- what is no such broker: the line, to the word ---- */

static void then_hark_says(const char *scheme, uint16_t port, const char *target, const char *shown,
                           const char *what)
{
    char pattern[768];
    struct hark *h = hark_to(scheme, port, target);
    snprintf(pattern, sizeof pattern,
             "^hark: warning: broker %s127\\.0\\.0\\.1:%u%s: %s; next try in [0-9]+ ms$", scheme, port, shown,
             what);
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST);
    hark_start(h);
    hark_wait_line(h, pattern);
    assert_int_equal(hark_stop(h), 0);
}

static void a_wrong_path_is_said(void **unused)
{
    (void)unused;
    struct web_server *w = web_server_start(
        &(struct web_script){.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"});
    then_hark_says("ws://", web_server_port(w), "/nowhere?key=secret", "/nowhere\\?\\.\\.\\.",
                   "the broker answered the WebSocket request with 404 Not Found: check the path in the URL");
}

static void a_redirect_and_a_missing_subprotocol_are_said(void **unused)
{
    (void)unused;
    struct web_server *w = web_server_start(&(struct web_script){
        .answer = "HTTP/1.1 301 Moved Permanently\r\nLocation: https://h.example/mqtt\r\n\r\n"});
    then_hark_says("ws://", web_server_port(w), "", "/mqtt",
                   "the broker answered the WebSocket request with 301 Moved Permanently, to "
                   "https://h\\.example/mqtt: write that place in the URL, with ws:// or wss://");
    w = web_server_start(&(struct web_script){.protocol = ""});
    then_hark_says(
        "ws://", web_server_port(w), "/chat", "/chat",
        "the broker did not choose the WebSocket subprotocol mqtt: check the path and the port in the URL");
}

static void a_broker_that_closes_with_a_code_or_sends_text_is_said(void **unused)
{
    (void)unused;
    struct web_server *w =
        web_server_start(&(struct web_script){.frames = {"\x88\x0b\x03\xf0go away..", 13}});
    then_hark_says("ws://", web_server_port(w), "", "/mqtt",
                   "127\\.0\\.0\\.1:[0-9]+ closed the WebSocket with code 1008 \\(go away\\.\\.\\) before it "
                   "answered CONNECT");
    w = web_server_start(&(struct web_script){.frames = {"\x81\x02hi", 4}});
    then_hark_says(
        "ws://", web_server_port(w), "", "/mqtt",
        "127\\.0\\.0\\.1:[0-9]+ does not keep to WebSocket: a text frame: MQTT comes in binary ones");
}

static void a_listener_of_another_kind_is_said(void **unused)
{
    (void)unused;
    struct broker *b = broker_with_secure_web(folder_create());
    then_hark_says(
        "ws://", broker_port(b), "", "/mqtt",
        "127\\.0\\.0\\.1:[0-9]+ closed the connection during the WebSocket handshake: is it the port of its "
        "WebSocket listener, and without TLS\\?");
    then_hark_says(
        "mqtt://", broker_web_port(b), "", "",
        "what answers CONNECT speaks HTTP: if it is the broker's WebSocket listener, write ws:// \\(with "
        "TLS wss://\\)");
    then_hark_says(
        "wss://", broker_web_port(b), "", "/mqtt",
        "TLS with 127\\.0\\.0\\.1:[0-9]+: what answers there speaks no TLS: write the port of its TLS "
        "listener \\(usually 8883, of WebSocket 443\\), or mqtt:// or ws://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(each_qos_goes_both_ways),
        system_test(large_messages_go_both_ways),
        system_test(with_tls_below_it_the_settings_of_tls_count),
        system_test(dead_letters_are_redriven_over_it),
        system_test(cuts_in_the_middle_of_frames_lose_nothing),
        system_test(cuts_below_tls_lose_nothing),
        system_test(what_came_while_the_broker_was_out_of_reach_is_answered_later),
        system_test(a_broker_that_closes_is_waited_for),
        system_test(a_wrong_path_is_said),
        system_test(a_redirect_and_a_missing_subprotocol_are_said),
        system_test(a_broker_that_closes_with_a_code_or_sends_text_is_said),
        system_test(a_listener_of_another_kind_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
