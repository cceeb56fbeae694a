/* share_test.c: two harks that share the messages of one topic. */
#include "support/cleanup.h"
#include "support/fake_broker.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <stdio.h>

/* As many as one of two may have to find in its session when it comes back: mosquitto keeps 1000. */
enum { MESSAGES = 1500, A_THIRD = 500, ENOUGH_MS = 60000 };

#define ECHO_MANIFEST                                                                                        \
    "function: echo\n"                                                                                       \
    "handler: echo.so\n"                                                                                     \
    "publishes: [ echo/out ]\n"

#define SHARED "triggers: [ { topic: echo/in, share: echoes } ]\n"

struct pair {
    struct broker *broker;
    struct hark *left, *right; /* replies of the right one say "two" */
    struct device *sender;
    struct tally *tally;
};

static struct hark *one_of_two(struct broker *b, const char *node, const char *so)
{
    need_of_broker("shared");
    struct hark *h = hark_prepare(broker_url(b));
    h->node = node;
    hark_install(h, so, "echo.so");
    hark_manifest(h, "echo", ECHO_MANIFEST SHARED);
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    return h;
}

static struct pair pair_prepare(void)
{
    struct pair p = {.broker = broker_start(), .tally = tally_create(MESSAGES)};
    p.left = one_of_two(p.broker, "left", "echo.so");
    p.right = one_of_two(p.broker, "right", "echo-two.so");
    struct device *receiver = device_connect_with(&(struct device_options){
        .port = broker_port(p.broker), .id = "receiver", .is_v311 = true, .resumes = true});
    tally_watch(p.tally, "two");
    device_tally(receiver, p.tally);
    device_subscribe(receiver, "echo/out", 2);
    p.sender = device_connect(broker_port(p.broker), "sender");
    return p;
}

static void each_message_is_handled_by_one_of_two(void **unused)
{
    (void)unused;
    struct pair p = pair_prepare();
    device_flood(p.sender, "echo/in", MESSAGES, 20);
    assert_true(tally_complete(p.tally, ENOUGH_MS));
    device_flood_join(p.sender);
    assert_int_equal(tally_duplicates(p.tally), 0);
    assert_in_range(tally_watched(p.tally), 1, MESSAGES - 1);
}

static void one_of_two_that_is_killed_loses_nothing(void **unused)
{
    (void)unused;
    struct pair p = pair_prepare();
    device_flood(p.sender, "echo/in", MESSAGES, 20);
    assert_true(tally_reaches(p.tally, A_THIRD, ENOUGH_MS));
    hark_kill(p.left);
    device_flood_join(p.sender);
    hark_start(p.left);
    assert_true(tally_complete(p.tally, ENOUGH_MS));
    assert_int_equal(tally_strange(p.tally), 0);
}

/* One that is no longer shared is unsubscribed: else each message would come twice. */
static void a_trigger_that_stops_to_share_gets_every_message_once(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = one_of_two(b, "left", "echo.so");
    struct device *d = device_connect(broker_port(b), "phone");
    device_subscribe(d, "echo/out", 1);
    hark_manifest(h, "echo", ECHO_MANIFEST "triggers: [ { topic: echo/in } ]\n");
    hark_wait_line(h, "^hark: deployed echo .*");
    broker_wait_line(b, "hark/left/echo \\$share/echoes/echo/in$"); /* with a QoS behind it: subscribed */
    device_publish(d, "echo/in", "first", 1);
    device_expect(d, "echo/out", "first one");
    device_publish(d, "echo/in", "second", 1);
    device_expect(d, "echo/out", "second one");
}

static void share_the_echo(struct hark *h)
{
    hark_install(h, "echo.so", "echo.so");
    hark_manifest(h, "echo", ECHO_MANIFEST SHARED);
    hark_start(h);
}

static void a_broker_that_offers_none_is_an_error_that_says_so(void **unused)
{
    (void)unused;
    const struct fake_step steps[] = {
        {.await = PACKET_CONNECT, .len = 7, .bytes = {0x20, 0x05, 0x00, 0x00, 0x02, 0x2a, 0x00}}, {0}};
    struct fake_broker *b = fake_broker_start(steps);
    struct hark *h = hark_prepare(fake_broker_url(b));
    share_the_echo(h);
    hark_wait_line(h, "^hark: error: function=echo .*\\$share/echoes/echo/in: .*[Ss]hared.*0x9e");
}

/* mosquitto has them all the same. */
static void mqtt_3_is_warned_of_as_it_knows_none(void **unused)
{
    (void)unused;
    need_of_broker("shared");
    struct broker *b = broker_start();
    struct hark *h = hark_prepare(NULL);
    h->config = path_in(h->state, "hark.yaml");
    file_print(h->config, "broker: site\nbrokers:\n  site: { url: \"%s\", protocol: \"3.1.1\" }\n",
               broker_url(b));
    share_the_echo(h);
    hark_wait_line(h, "^hark: warning: function=echo .*3\\.1\\.1.*\\$share/echoes/echo/in");
    struct device *d = device_connect(broker_port(b), "phone");
    device_subscribe(d, "echo/out", 1);
    device_publish(d, "echo/in", "hello", 1);
    device_expect(d, "echo/out", "hello one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(each_message_is_handled_by_one_of_two),
        system_test(one_of_two_that_is_killed_loses_nothing),
        system_test(a_trigger_that_stops_to_share_gets_every_message_once),
        system_test(a_broker_that_offers_none_is_an_error_that_says_so),
        system_test(mqtt_3_is_warned_of_as_it_knows_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
