/* presence_test.c: a node says whether it is there, and that it is there once. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/proxy.h"
#include "support/stage.h"

#include <stdio.h>
#include <string.h>

#define STATUS "hark/" TEST_NODE "/status"
#define OWNER  "hark/" TEST_NODE "/owner"
#define READY  "^hark: ready: [0-9]+ functions"

static const char stranger[] = "0123456789abcdef.fedcba9876543210";

static struct device *watcher(struct broker *b)
{
    struct device *d = device_connect(broker_port(b), "watcher");
    device_subscribe(d, STATUS, 1);
    return d;
}

static void keep(struct device *d, const char *topic, const char *payload)
{
    device_publish_message(
        d,
        &(struct message){
            .topic = topic, .payload = payload, .payload_len = strlen(payload), .qos = 1, .retained = true});
}

static void it_is_online_until_it_stops(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = watcher(b);
    struct hark *h = hark_run(broker_url(b));
    device_expect(d, STATUS, "online");
    assert_int_equal(hark_stop(h), 0);
    device_expect(d, STATUS, "offline");
    assert_int_equal(device_count(d, STATUS), 2);
    struct device *late = device_connect(broker_port(b), "late");
    device_subscribe(late, STATUS, 1);
    assert_true(device_wait(late, STATUS)->retained);
}

static void one_that_is_killed_is_offline_by_its_will(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = watcher(b);
    struct hark *h = hark_run(broker_url(b));
    device_expect(d, STATUS, "online");
    hark_kill(h);
    device_expect(d, STATUS, "offline");
    hark_start(h);
    device_expect(d, STATUS, "online");
}

static void after_a_cut_it_is_online_again(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct proxy *p = proxy_start(broker_port(b));
    struct device *d = watcher(b);
    hark_run(proxy_url(p));
    device_expect(d, STATUS, "online");
    proxy_cut(p);
    device_expect(d, STATUS, "offline");
    device_expect(d, STATUS, "online");
}

static struct hark *with_echo(const char *url)
{
    struct hark *h = hark_prepare(url);
    hark_install(h, "echo.so", "echo.so");
    hark_manifest(h, "echo",
                  "function: echo\nhandler: echo.so\npublishes: [ echo/out ]\n"
                  "triggers: [ { topic: echo/in } ]\n");
    return h;
}

static void a_second_one_is_refused_and_the_first_not_disturbed(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = watcher(b);
    struct hark *first = with_echo(broker_url(b)), *second = with_echo(broker_url(b));
    device_subscribe(d, "echo/out", 1);
    hark_start(first);
    hark_wait_line(first, READY);
    size_t troubles = hark_count_lines(first, "next try in"); /* while the version was found out */
    hark_start(second);
    char line[128];
    snprintf(line, sizeof line,
             "^hark: error: another hark named '" TEST_NODE "' is online at mqtt://%s127.0.0.1:",
             other_broker_user());
    hark_wait_line(second, line);
    assert_int_equal(process_wait(second->process), 77);
    assert_int_equal(hark_count_lines(second, "^hark: error"), 1);
    device_publish(d, "echo/in", "still", 1);
    device_expect(d, "echo/out", "still one");
    assert_int_equal(hark_count_lines(first, "next try in"), troubles); /* no connection of it was taken */
    device_expect(d, STATUS, "online");
    assert_int_equal(device_count(d, STATUS), 1);
}

static void mqtt_3_has_it_too(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *both[2];
    for (int i = 0; i < 2; i++) {
        both[i] = hark_prepare(NULL);
        both[i]->config = path_in(both[i]->state, "node.yaml");
        file_print(both[i]->config, "brokers: { old: { url: \"%s\", protocol: \"3.1.1\" } }\n",
                   broker_url(b));
    }
    struct device *d = watcher(b);
    hark_start(both[0]);
    device_expect(d, STATUS, "online");
    hark_start(both[1]);
    assert_int_equal(process_wait(both[1]->process), 77);
    hark_kill(both[0]);
    device_expect(d, STATUS, "offline");
}

/* Cut off, and another one took its place: it must not come back and take it from that one. */
static void one_that_comes_back_to_a_taken_place_is_told(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct proxy *p = proxy_start(broker_port(b));
    struct device *d = watcher(b);
    struct hark *first = hark_prepare(NULL);
    first->config = path_in(first->state, "node.yaml");
    file_print(first->config, "brokers: { far: { url: \"%s\", keep_alive: 5s } }\n", proxy_url(p));
    hark_start(first);
    device_expect(d, STATUS, "online");
    proxy_half_open(p);
    device_expect(d, STATUS, "offline");
    struct hark *second = with_echo(broker_url(b));
    hark_start(second);
    hark_wait_line(second, READY);
    device_expect(d, STATUS, "online");
    hark_wait_line(first, "^hark: error: another hark named '" TEST_NODE "' is online");
    assert_int_equal(process_wait(first->process), 77);
    device_subscribe(d, "echo/out", 1);
    device_publish(d, "echo/in", "mine", 1);
    device_expect(d, "echo/out", "mine one");
    assert_int_equal(device_count(d, STATUS), 3); /* the first did not say that the node is offline */
}

static void a_place_whose_owner_does_not_answer_is_taken(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "ghost");
    keep(d, OWNER, stranger);
    keep(d, STATUS, "online");
    device_subscribe(d, OWNER, 1);
    assert_string_equal(device_wait(d, OWNER)->payload, stranger);
    struct hark *h = hark_run(broker_url(b));
    assert_int_equal(hark_count_lines(h, STATUS " says that node .* is online, but nobody answers"), 1);
    assert_string_not_equal(device_wait(d, OWNER)->payload, stranger);
}

/* Such as a power cut of the broker leaves it: nobody has to be asked about oneself. */
static void it_takes_its_own_place_at_once(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = watcher(b);
    struct hark *h = hark_run(broker_url(b));
    device_expect(d, STATUS, "online");
    assert_int_equal(hark_stop(h), 0);
    device_expect(d, STATUS, "offline");
    keep(d, STATUS, "online");
    hark_start(h);
    hark_wait_line(h, READY);
    assert_int_equal(hark_count_lines(h, "nobody answers"), 0);
}

static void two_names_of_one_broker_are_one_place(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = watcher(b);
    struct hark *h = with_echo(NULL);
    h->config = path_in(h->state, "node.yaml");
    file_print(h->config, "broker: a\nbrokers: { a: { url: \"%s\" }, b: { url: \"%s\" } }\n", broker_url(b),
               broker_url(b));
    hark_manifest(h, "echo", "%s",
                  "function: echo\nhandler: echo.so\npublishes: [ echo/out ]\nbroker: b\n"
                  "triggers: [ { topic: echo/in } ]\n");
    device_subscribe(d, "echo/out", 1);
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    device_expect(d, STATUS, "online");
    broker_wait_line(b, "Client hark/" TEST_NODE "/_visit-[0-9a-f]{12}0001 disconnected");
    device_publish(d, "echo/in", "one", 1);
    device_expect(d, "echo/out", "one one");
    assert_int_equal(device_count(d, STATUS), 1);
    assert_int_equal(hark_stop(h), 0);
    device_expect(d, STATUS, "offline");
    assert_int_equal(device_count(d, STATUS), 2);
}

static void garbage_in_its_topics_is_nobody(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "ghost");
    keep(d, OWNER, "garbage");
    keep(d, STATUS, "online");
    struct hark *h = hark_run(broker_url(b));
    assert_int_equal(hark_count_lines(h, "nobody answers"), 0);
    device_publish(d, OWNER, "garbage", 1);
    device_publish(d, OWNER, "", 1);
    assert_int_equal(hark_stop(h), 0);
}

static void runs_and_says_once(const char *acl, const char *line)
{
    struct broker *b = broker_start_with(&(struct broker_options){.acl = acl});
    struct hark *h = with_echo(broker_url(b));
    struct device *d = device_connect(broker_port(b), "phone");
    device_subscribe(d, "echo/out", 1);
    hark_start(h);
    hark_wait_line(h, line);
    hark_wait_line(h, "^hark: ready: 1 functions");
    device_publish(d, "echo/in", "all the same", 1);
    device_expect(d, "echo/out", "all the same one");
    assert_int_equal(hark_count_lines(h, line), 1);
    assert_int_equal(hark_stop(h), 0);
}

static void a_broker_that_does_not_want_it_is_told_of_and_functions_run(void **unused)
{
    (void)unused;
    static const char *const topics[] = {STATUS, OWNER};
    for (int i = 0; i < 2; i++) {
        char acl[128], line[128];
        snprintf(acl, sizeof acl, "topic readwrite #\ntopic deny %s\n", topics[i]);
        snprintf(line, sizeof line, "^hark: warning: the broker does not take %s: Not authorized", topics[i]);
        runs_and_says_once(acl, line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(it_is_online_until_it_stops),
        system_test(one_that_is_killed_is_offline_by_its_will),
        system_test(after_a_cut_it_is_online_again),
        system_test(a_second_one_is_refused_and_the_first_not_disturbed),
        system_test(mqtt_3_has_it_too),
        system_test(one_that_comes_back_to_a_taken_place_is_told),
        system_test(a_place_whose_owner_does_not_answer_is_taken),
        system_test(it_takes_its_own_place_at_once),
        system_test(two_names_of_one_broker_are_one_place),
        system_test(garbage_in_its_topics_is_nobody),
        system_test(a_broker_that_does_not_want_it_is_told_of_and_functions_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
