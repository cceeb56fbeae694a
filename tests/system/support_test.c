/* support_test.c: the things that system tests are written with do what they say. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/fake_broker.h"
#include "support/files.h"
#include "support/port.h"
#include "support/proxy.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_device_gets_what_another_sends_with_its_properties(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *sender = device_connect(broker_port(b), "sender");
    struct device *receiver = device_connect(broker_port(b), "receiver");
    device_subscribe(receiver, "a/#", 2);
    struct message m = {.topic = "a/b",
                        .payload = "hello",
                        .payload_len = 5,
                        .qos = 2,
                        .response_topic = "c",
                        .correlation = "12",
                        .correlation_len = 2,
                        .property_count = 1,
                        .keys = {"colour"},
                        .values = {"blue"}};
    device_publish_message(sender, &m);
    const struct message *got = device_wait(receiver, "a/+");
    assert_string_equal(got->payload, "hello");
    assert_int_equal(got->qos, 2);
    assert_string_equal(got->response_topic, "c");
    assert_string_equal(got->correlation, "12");
    assert_string_equal(message_property(got, "colour"), "blue");
}

static void a_flood_arrives_whole(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *sender = device_connect(broker_port(b), "sender");
    struct device *receiver = device_connect(broker_port(b), "receiver");
    struct tally *t = tally_create(5000);
    device_tally(receiver, t);
    device_subscribe(receiver, "flood", 1);
    device_flood(sender, "flood", 5000, 50);
    assert_true(tally_complete(t, GUARD_MS));
    device_flood_join(sender);
    assert_int_equal(tally_duplicates(t), 0);
    assert_int_equal(tally_strange(t), 0);
}

static void a_tally_knows_what_is_missing_double_and_strange(void **unused)
{
    (void)unused;
    struct tally *t = tally_create(3);
    tally_watch(t, "two");
    tally_add(t, "0 one");
    tally_add(t, "1 two");
    tally_add(t, "1 two");
    tally_add(t, "3");
    tally_add(t, "what");
    assert_false(tally_complete(t, 0));
    assert_true(tally_reaches(t, 2, 0));
    assert_int_equal(tally_distinct(t), 2);
    assert_int_equal(tally_duplicates(t), 1);
    assert_int_equal(tally_strange(t), 2);
    assert_int_equal(tally_watched(t), 2);
}

static void a_broker_comes_back_on_its_port_with_its_sessions(void **unused)
{
    (void)unused;
    struct broker *b = broker_start_with(&(struct broker_options){.keeps_sessions = true});
    const struct device_options o = {
        .port = broker_port(b), .id = "keeper", .is_v311 = true, .resumes = true};
    struct device *d = device_connect_with(&o);
    assert_false(device_found_session(d));
    device_subscribe(d, "a", 1);
    device_disconnect(d);
    broker_stop(b);
    assert_int_equal(port_connect(o.port), -1);
    broker_up(b);
    assert_true(device_found_session(device_connect_with(&o)));
}

static int through(struct proxy *p)
{
    return port_connect((uint16_t)strtoul(strrchr(proxy_url(p), ':') + 1, NULL, 10));
}

/* The other end of a proxied connection, with a byte that went through each way. */
static int accepted_with_greetings(int listener, int client)
{
    char byte = 0;
    int server = accept(listener, NULL, NULL);
    assert_int_equal(send(client, "a", 1, 0), 1);
    assert_int_equal(recv(server, &byte, 1, 0), 1);
    assert_int_equal(byte, 'a');
    assert_int_equal(send(server, "b", 1, 0), 1);
    assert_int_equal(recv(client, &byte, 1, 0), 1);
    assert_int_equal(byte, 'b');
    return server;
}

static void a_proxy_carries_and_cuts(void **unused)
{
    (void)unused;
    uint16_t port;
    int listener = port_listen(&port);
    struct proxy *p = proxy_start(port);
    int client = through(p), server = accepted_with_greetings(listener, client);
    char byte;
    assert_int_equal(proxy_cut(p), 1);
    assert_int_equal(recv(client, &byte, 1, 0), -1);
    assert_int_equal(recv(server, &byte, 1, 0), 0);
    close(client);
    close(server);
    client = through(p);
    server = accepted_with_greetings(listener, client);
    assert_int_equal(proxy_connections(p), 2);
    close(client);
    close(server);
    close(listener);
}

static void a_stalled_proxy_moves_nothing_until_it_resumes(void **unused)
{
    (void)unused;
    uint16_t port;
    int listener = port_listen(&port);
    struct proxy *p = proxy_start(port);
    int client = through(p), server = accepted_with_greetings(listener, client);
    char byte;
    proxy_stall(p);
    assert_int_equal(send(client, "c", 1, 0), 1);
    assert_int_equal(recv(server, &byte, 1, MSG_DONTWAIT), -1);
    proxy_resume(p);
    assert_int_equal(recv(server, &byte, 1, 0), 1);
    close(client);
    close(server);
    close(listener);
}

static void a_proxy_hands_on_one_end_of_talk_and_lets_the_other_go_on(void **unused)
{
    (void)unused;
    uint16_t port;
    int listener = port_listen(&port);
    struct proxy *p = proxy_start(port);
    int client = through(p), server = accepted_with_greetings(listener, client);
    char byte;
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_int_equal(recv(server, &byte, 1, 0), 0);
    assert_int_equal(send(server, "s", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(recv(client, &byte, 1, 0), 1);
    close(server);
    assert_int_equal(recv(client, &byte, 1, 0), 0);
    close(client);
    close(listener);
}

static void a_half_open_connection_looks_alive_to_the_client(void **unused)
{
    (void)unused;
    uint16_t port;
    int listener = port_listen(&port);
    struct proxy *p = proxy_start(port);
    int client = through(p), server = accepted_with_greetings(listener, client);
    char byte;
    proxy_half_open(p);
    assert_int_equal(recv(server, &byte, 1, 0), 0);
    assert_int_equal(send(client, "c", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), -1);
    close(client);
    close(server);
    close(listener);
}

static void a_fake_broker_follows_its_script(void **unused)
{
    (void)unused;
    const struct fake_step steps[] = {
        {.await = PACKET_SUBSCRIBE, .len = 4, .bytes = {9, 9, 0, 0}, .copies_id = true}, {0}};
    struct fake_broker *b = fake_broker_start(steps);
    int fd = port_connect((uint16_t)strtoul(strrchr(fake_broker_url(b), ':') + 1, NULL, 10));
    const uint8_t packets[] = {0x82, 0x02, 0x12, 0x34, 0xe0, 0x01, 0x81};
    uint8_t answer[4];
    assert_int_equal(send(fd, packets, sizeof packets, 0), sizeof packets);
    assert_int_equal(recv(fd, answer, sizeof answer, MSG_WAITALL), sizeof answer);
    assert_memory_equal(answer, "\x09\x09\x12\x34", 4);
    assert_false(fake_broker_closed(b, 1, 0));
    close(fd);
    assert_true(fake_broker_closed(b, 1, GUARD_MS));
    assert_true(fake_broker_connected(b, 1, 0));
    assert_int_equal(fake_broker_disconnect_reason(b), 0x81);
}

static struct process *shell(const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    return process_start(&(struct process_options){.name = "sh", .argv = argv, .input = "in\n"});
}

static void a_process_gives_its_lines_and_its_end(void **unused)
{
    (void)unused;
    struct process *p = shell("read word; echo got $word; echo one >&2; echo two >&2; exit 7");
    assert_string_equal(lines_wait(p->err, "^t"), "two");
    assert_null(lines_find(p->err, "one", 0));
    assert_int_equal(lines_count(p->err, "one"), 1);
    lines_wait(p->out, "^got in$");
    assert_int_equal(process_wait(p), 7);
}

static void the_leaves_below_a_process_are_found_and_killed(void **unused)
{
    (void)unused;
    struct process *p = shell("sh -c 'sleep 100 & echo up; wait; echo gone' & wait");
    lines_wait(p->out, "up");
    unsigned seed = 1;
    while (!worker_kill_random(p->pid, &seed)) /* sleep may still be on its way to exec */
        ;
    lines_wait(p->out, "gone");
    assert_int_equal(process_wait(p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_device_gets_what_another_sends_with_its_properties),
        system_test(a_flood_arrives_whole),
        system_test(a_tally_knows_what_is_missing_double_and_strange),
        system_test(a_broker_comes_back_on_its_port_with_its_sessions),
        system_test(a_proxy_carries_and_cuts),
        system_test(a_proxy_hands_on_one_end_of_talk_and_lets_the_other_go_on),
        system_test(a_stalled_proxy_moves_nothing_until_it_resumes),
        system_test(a_half_open_connection_looks_alive_to_the_client),
        system_test(a_fake_broker_follows_its_script),
        system_test(a_process_gives_its_lines_and_its_end),
        system_test(the_leaves_below_a_process_are_found_and_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
