/* broker_test.c: brokers that are late, go away, say no, or talk nonsense. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/fake_broker.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/proxy.h"
#include "support/stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { WATCHED_MS = 2000, CONNECTIONS_MAX = 10, DENIED = 50 };

#define CONNACK_5 0x20, 0x03, 0x00, 0x00, 0x00

/* A hark that has the puppet in its folder from the start, not started. */
static struct hark *hark_with_puppet(const char *url)
{
    struct hark *h = hark_prepare(url);
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST);
    return h;
}

/* A device that comes now: a message of its reaches the puppet and comes back. */
static void serves(struct broker *b, const struct device_options *login)
{
    struct device_options o = *login;
    o.port = broker_port(b);
    o.id = "visitor";
    struct device *d = device_connect_with(&o);
    device_subscribe(d, "out/#", 1);
    device_publish(d, "puppet/do", "say out/heard yes", 1);
    device_expect(d, "out/heard", "yes");
    device_disconnect(d);
}

static const struct device_options anybody;

static void hark_waits_for_a_broker_that_is_late(void **unused)
{
    (void)unused;
    struct broker *b = broker_plan(&(struct broker_options){0});
    struct hark *h = hark_with_puppet(broker_url(b));
    hark_start(h);
    hark_wait_line(h, "^hark: warning: broker .*connection refused.*next try in");
    broker_up(b);
    hark_wait_line(h, "^hark: ready: 1 functions");
    serves(b, &anybody);
}

/* The device has the time of an expiry to be late: what is waited for are ticks, a second from each to the
 * next. Outputs at QoS 0 and 1 expire alike. */
static void outputs_that_expire_while_the_broker_is_away_are_said(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_prepare(broker_url(b));
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(
        h, "puppet",
        "function: puppet\nhandler: puppet.so\ntriggers: [ { every: 1s } ]\npublishes: [ \"out/#\" ]\n"
        "config: { tick: \"brief out/x hello; log it ticked\" }\n");
    hark_start(h);
    hark_wait_line(h, "^hark: function=puppet worker=[0-9]+ it ticked$");
    broker_stop(b);
    hark_wait_line(h, "^hark: warning: broker ");
    for (int ticks = 0; ticks < 4; ticks++)
        hark_wait_line(h, "^hark: function=puppet worker=[0-9]+ it ticked$");
    assert_int_equal(hark_count_lines(h, "were not sent"), 0);
    broker_up(b);
    hark_wait_line(h, "^hark: warning: function=puppet [0-9]+ outputs were not sent: they expired while they "
                      "waited for the broker$");
}

static void a_broker_that_forgot_everything_is_subscribed_to_again(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_with_puppet(broker_url(b));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    broker_kill(b);
    hark_wait_line(h, "^hark: warning: broker ");
    broker_up(b);
    broker_wait_line(b, "hark/" TEST_NODE "/puppet 1 puppet/do$");
    serves(b, &anybody);
}

static void an_output_made_while_the_broker_was_away_is_published(void **unused)
{
    (void)unused;
    struct broker *b = broker_start_with(&(struct broker_options){.keeps_sessions = true});
    struct hark *h = hark_with_puppet(broker_url(b));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    struct device *patient = device_connect_with(
        &(struct device_options){.port = broker_port(b), .id = "patient", .is_v311 = true, .resumes = true});
    device_subscribe(patient, "out/#", 1);
    device_publish(patient, "puppet/do", "log begun; work 500; say out/finished yes", 1);
    hark_wait_line(h, "function=puppet worker=[0-9]+ begun");
    broker_stop(b);
    hark_wait_line(h, "^hark: warning: broker ");
    broker_up(b);
    device_expect(patient, "out/finished", "yes");
}

static void a_silent_connection_is_noticed_and_replaced(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct proxy *p = proxy_start(broker_port(b));
    struct hark *h = hark_with_puppet(NULL);
    h->config = path_in(h->state, "hark.yaml");
    file_print(h->config, "broker: site\nbrokers:\n  site: { url: \"%s\", keep_alive: 5s }\n", proxy_url(p));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    size_t before = proxy_connections(p);
    proxy_half_open(p);
    hark_wait_line(h, "^hark: warning: broker ");
    hark_wait_line(h, "^hark: broker .*: connected");
    assert_true(proxy_connections(p) > before);
    serves(b, &anybody);
}

static void refused_credentials_are_said_and_not_hammered(void **unused)
{
    (void)unused;
    struct broker *b =
        broker_start_with(&(struct broker_options){.username = "gateway", .password = "right"});
    char url[128];
    snprintf(url, sizeof url, "mqtt://gateway:wrong-secret@127.0.0.1:%u", broker_port(b));
    struct hark *h = hark_with_puppet(url);
    hark_start(h);
    hark_wait_line(h, "^hark: (warning|error): broker .*([Nn]ot authorized|[Uu]ser [Nn]ame)");
    size_t connections = other_broker_lacks("mqtt5") ? 4 : 2; /* the node, the function; each version once */
    assert_false(broker_says_again(b, "New connection from", connections + 1, WATCHED_MS));
    assert_int_equal(hark_count_lines(h, "wrong-secret"), 0);
    assert_int_equal(hark_stop(h), 0);
}

static void credentials_come_from_a_file(void **unused)
{
    (void)unused;
    const struct broker_options o = {.username = "gateway", .password = "open sesame"};
    struct broker *b = broker_start_with(&o);
    struct hark *h = hark_with_puppet(NULL);
    h->config = path_in(h->state, "hark.yaml");
    const char *secret = path_in(h->state, "site.password");
    file_print(secret, "open sesame\n");
    assert_int_equal(chmod(secret, 0600), 0);
    file_print(h->config,
               "broker: site\nbrokers:\n"
               "  site: { url: \"%s\", username: gateway, password_file: site.password }\n",
               broker_url(b));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    serves(b, &(struct device_options){.username = "gateway", .password = "open sesame"});
    assert_int_equal(hark_count_lines(h, "sesame"), 0);
}

static void mqtt_5_is_spoken_unless_told_otherwise(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct broker *b = broker_start();
    hark_start(hark_with_puppet(broker_url(b)));
    broker_wait_line(b, "as hark/" TEST_NODE "/puppet \\(p5,");
}

static void mqtt_3_is_spoken_when_the_node_says_so(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_with_puppet(NULL);
    h->config = path_in(h->state, "hark.yaml");
    file_print(h->config, "broker: site\nbrokers:\n  site: { url: \"%s\", protocol: \"3.1.1\" }\n",
               broker_url(b));
    hark_start(h);
    broker_wait_line(b, "as hark/" TEST_NODE "/puppet \\(p2,");
    hark_wait_line(h, "^hark: ready: 1 functions");
    serves(b, &anybody);
}

static void hanging_up_after_a_restart_does_not_make_hark_speak_mqtt_3(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct broker *b = broker_start();
    struct proxy *p = proxy_start(broker_port(b));
    struct hark *h = hark_with_puppet(proxy_url(p));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    broker_wait_line(b, "as hark/" TEST_NODE "/puppet \\(p5,");
    hark_kill(h);
    size_t before = proxy_connections(p);
    proxy_hang_up(p, true);
    hark_start(h);
    assert_true(proxy_accepts(p, before + 2, GUARD_MS));
    proxy_hang_up(p, false);
    broker_wait_line(b, "as hark/" TEST_NODE "/puppet \\(p5,");
    serves(b, &anybody);
}

static void a_refused_subscription_is_an_error_that_names_it(void **unused)
{
    (void)unused;
    const struct fake_step refuses[] = {
        {.await = PACKET_CONNECT, .len = 5, .bytes = {CONNACK_5}},
        {.await = PACKET_SUBSCRIBE, .len = 6, .bytes = {0x90, 0x04, 0, 0, 0x00, 0x87}, .copies_id = true},
        {0},
    };
    struct fake_broker *b = fake_broker_start(refuses);
    struct hark *h = hark_with_puppet(fake_broker_url(b));
    hark_start(h);
    hark_wait_line(h, "^hark: error: .*puppet/do.*([Nn]ot authorized|0x87)");
    assert_int_equal(hark_count_lines(h, "^hark: ready: 1 functions"), 0);
    assert_int_equal(hark_stop(h), 0);
}

/* It is not asked for again before the next connection, and nothing waits for an answer. */
static void a_refused_subscription_holds_no_deploy_up(void **unused)
{
    (void)unused;
    const struct fake_step refuses[] = {
        {.await = PACKET_CONNECT, .len = 5, .bytes = {CONNACK_5}},
        {.await = PACKET_SUBSCRIBE, .len = 6, .bytes = {0x90, 0x04, 0, 0, 0x00, 0x87}, .copies_id = true},
        {0},
    };
    struct hark *h = hark_with_puppet(fake_broker_url(fake_broker_start(refuses)));
    hark_start(h);
    hark_wait_line(h, "^hark: error: .*puppet/do.*([Nn]ot authorized|0x87)");
    hark_manifest(h, "puppet", PUPPET_MANIFEST "config: { colour: blue }\n");
    hark_wait_line(h, "^hark: deployed puppet .*replaces=");
}

static bool has(const void *bytes, size_t len, const char *text)
{
    return memmem(bytes, len, text, strlen(text));
}

/* It lets control characters pass. Another, in its place later, ends the connection for them: a dead letter
 * with them would do that again and again. */
static void a_dead_letter_has_nothing_in_it_that_brokers_end_the_connection_for(void **unused)
{
    (void)unused;
    const struct fake_step lenient[] = {
        {.await = PACKET_CONNECT, .len = 5, .bytes = {CONNACK_5}},
        {.await = PACKET_SUBSCRIBE,
         .len = 51,
         .bytes = {0x90, 4,   0, 0,   0,   1,    0x32, 43, 0,   9,   'p', 'u', 'p',  'p', 'e',  't', '/',
                   0x1b, '[', 0, 1,   23,  0x26, 0,    1,  'k', 0,   3,   'a', 0x1b, 'b', 0x26, 0,   1,
                   'l',  0,   3, 'a', '+', 'b',  0x08, 0,  2,   'r', 7,   'r', 'e',  'j', 'e',  'c', 't'},
         .copies_id = true},
        {0},
    };
    uint8_t bytes[4096];
    struct fake_broker *b = fake_broker_start(lenient);
    struct hark *h = hark_with_puppet(fake_broker_url(b));
    hark_manifest(h, "puppet",
                  "function: puppet\nhandler: puppet.so\ntriggers: [ { topic: \"puppet/+\" } ]\n");
    hark_start(h);
    size_t len = fake_broker_published(b, bytes, sizeof bytes, GUARD_MS);
    assert_true(has(bytes, len, "hark/dead/puppet"));
    assert_true(has(bytes, len, "puppet/\\x1b["));
    assert_true(has(bytes, len, "a+b"));
    assert_false(has(bytes, len, "a\x1b"));
    assert_false(has(bytes, len, "r\x07"));
    hark_wait_line(h, "1 of the properties of .* are left out of its dead letter");
}

/* What a broker sends behind a good CONNACK, or instead of one. */
static const struct nonsense {
    const char *name;
    bool after_connack;
    size_t len;
    uint8_t bytes[32];
} nonsenses[] = {
    {"a CONNACK with reserved flags", false, 5, {0x20, 0x03, 0x02, 0x00, 0x00}},
    {"a packet of type 0", false, 2, {0x00, 0x00}},
    {"a length that is not minimal", false, 6, {0x20, 0x83, 0x00, 0x00, 0x00, 0x00}},
    {"a length of five bytes", false, 6, {0x20, 0xff, 0xff, 0xff, 0xff, 0x7f}},
    {"an unknown property", false, 7, {0x20, 0x05, 0x00, 0x00, 0x02, 0x7e, 0x00}},
    {"a property twice", false, 11, {0x20, 0x09, 0, 0, 0x06, 0x21, 0, 5, 0x21, 0, 5}},
    {"a web server", false, 28, {"HTTP/1.1 400 Bad Request\r\n\r\n"}},
    {"a second CONNACK", true, 5, {CONNACK_5}},
    {"a PUBLISH of QoS 3", true, 8, {0x36, 0x06, 0, 1, 'a', 0, 1, 0}},
    {"a topic with a wildcard", true, 6, {0x30, 0x04, 0, 1, '#', 0}},
    {"a topic that is not UTF-8", true, 7, {0x30, 0x05, 0, 2, 0xc3, 0x28, 0}},
    {"a PUBREL with wrong flags", true, 4, {0x60, 0x02, 0, 1}},
    {"a SUBACK of a reserved reason", true, 6, {0x90, 0x04, 0, 1, 0, 0x7f}},
    {"a topic longer than its packet", true, 6, {0x30, 0x04, 0xff, 0xff, 'a', 0}},
};

enum { NONSENSES = sizeof nonsenses / sizeof *nonsenses };

static struct fake_broker *broker_of(const struct nonsense *n)
{
    struct fake_step steps[] = {{.await = PACKET_CONNECT, .bytes = {CONNACK_5}}, {0}};
    size_t before = n->after_connack ? 5 : 0;
    memcpy(steps[0].bytes + before, n->bytes, n->len);
    steps[0].len = before + n->len;
    return fake_broker_start(steps);
}

/* Each has a broker of its own; all are watched at the same time. */
static void nonsense_never_crashes_hark_and_never_keeps_it_busy(void **unused)
{
    (void)unused;
    struct fake_broker *brokers[NONSENSES];
    struct hark *harks[NONSENSES];
    uint64_t cpu_ns[NONSENSES];
    for (size_t i = 0; i < NONSENSES; i++) {
        brokers[i] = broker_of(&nonsenses[i]);
        harks[i] = hark_with_puppet(fake_broker_url(brokers[i]));
        hark_start(harks[i]);
    }
    for (size_t i = 0; i < NONSENSES; i++) {
        if (!fake_broker_closed(brokers[i], 1, GUARD_MS))
            give_up("hark does not close the connection after %s", nonsenses[i].name);
        hark_wait_line(harks[i], "^hark: warning: broker .*next try in");
        cpu_ns[i] = process_cpu_ns(harks[i]->process);
    }
    assert_false(fake_broker_connected(brokers[0], CONNECTIONS_MAX, WATCHED_MS));
    for (size_t i = 0; i < NONSENSES; i++) {
        if (fake_broker_connected(brokers[i], CONNECTIONS_MAX, 0))
            give_up("hark hammers a broker after %s", nonsenses[i].name);
        if (process_cpu_ns(harks[i]->process) - cpu_ns[i] > WATCHED_MS * NS_PER_MS / 4)
            give_up("hark is busy after %s", nonsenses[i].name);
        assert_int_equal(hark_stop(harks[i]), 0);
    }
}

/* Denied is not buried: the message waits, and goes where a new version of the manifest lets it go. */
/* Where none is kept on this machine, there is nothing else to do. */
static void a_dead_letter_that_is_refused_is_sent_again(void **unused)
{
    (void)unused;
    struct broker *b =
        broker_start_with(&(struct broker_options){.acl = "topic readwrite #\ntopic deny hark/dead/#\n"});
    struct hark *h = hark_with_puppet(broker_url(b));
    hark_manifest(h, "puppet", PUPPET_MANIFEST "retry: { attempts: 1, backoff: 50ms, max_backoff: 200ms }\n");
    h->config = path_in(h->state, "node.yaml");
    file_print(h->config, "dead_letters: { max: 0 }\n");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    struct device *d = device_connect(broker_port(b), "undertaker");
    device_subscribe(d, "out/#", 1);
    device_publish(d, "puppet/do", "reject", 1);
    hark_wait_line(h, "^hark: error: function=puppet the dead letter .* not taken by the broker");
    hark_wait_line(h, "^hark: error: function=puppet the dead letter .* not taken by the broker");
    hark_manifest(h, "puppet", PUPPET_MANIFEST "dead_letter: out/graveyard\n");
    device_expect(d, "out/graveyard", "reject");
}

/* Each of the orders `say out/denied 0` and on; the broker that hung up may have had one that is sent again.
 */
static void expect_all_denied_to_be_buried(struct device *d)
{
    bool buried[DENIED] = {false};
    for (unsigned missing = DENIED, n; missing > 0;) {
        const struct message *m = device_wait(d, "hark/dead/puppet");
        assert_non_null(strstr(message_property(m, "hark-reason"), "0x87"));
        assert_int_equal(sscanf(m->payload, "say out/denied %u", &n), 1);
        assert_true(n < DENIED);
        missing -= !buried[n];
        buried[n] = true;
    }
}

/* mosquitto 2.0.11 answers a denied publish with 0x87 and closes, whatever else is on its way. */
static void a_burst_of_denied_outputs_is_buried_and_the_function_goes_on(void **unused)
{
    (void)unused;
    struct broker *b =
        broker_start_with(&(struct broker_options){.acl = "topic readwrite #\ntopic deny out/denied\n"});
    struct hark *h = hark_with_puppet(broker_url(b));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    struct device *d = device_connect(broker_port(b), "undertaker");
    device_subscribe(d, "out/#", 1);
    device_subscribe(d, "hark/dead/#", 1);
    for (unsigned i = 0; i < DENIED; i++) {
        char order[32];
        snprintf(order, sizeof order, "say out/denied %u", i);
        device_publish(d, "puppet/do", order, 1);
    }
    device_publish(d, "puppet/do", "say out/heard yes", 1);
    expect_all_denied_to_be_buried(d);
    device_expect(d, "out/heard", "yes");
    assert_int_equal(device_count(d, "out/denied"), 0);
    hark_wait_line(h, "^hark: warning: broker .* after it refused a publish to out/denied: .*0x87");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(hark_waits_for_a_broker_that_is_late),
        system_test(outputs_that_expire_while_the_broker_is_away_are_said),
        system_test(a_broker_that_forgot_everything_is_subscribed_to_again),
        system_test(an_output_made_while_the_broker_was_away_is_published),
        system_test(a_silent_connection_is_noticed_and_replaced),
        system_test(refused_credentials_are_said_and_not_hammered),
        system_test(credentials_come_from_a_file),
        system_test(mqtt_5_is_spoken_unless_told_otherwise),
        system_test(mqtt_3_is_spoken_when_the_node_says_so),
        system_test(hanging_up_after_a_restart_does_not_make_hark_speak_mqtt_3),
        system_test(a_refused_subscription_is_an_error_that_names_it),
        system_test(a_refused_subscription_holds_no_deploy_up),
        system_test(a_dead_letter_has_nothing_in_it_that_brokers_end_the_connection_for),
        system_test(nonsense_never_crashes_hark_and_never_keeps_it_busy),
        system_test(a_dead_letter_that_is_refused_is_sent_again),
        system_test(a_burst_of_denied_outputs_is_buried_and_the_function_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
