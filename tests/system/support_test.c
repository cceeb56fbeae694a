/* support_test.c: the things that system tests are written with do what they say. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/fake_broker.h"
#include "support/files.h"
#include "support/port.h"
#include "support/proxy.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <openssl/ssl.h>
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

enum { SEVERAL_RECORDS = 100000 };

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

/* A client that trusts the proxy's authority, after its handshake. */
static SSL *secure_through(const struct proxy *p, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    assert_int_equal(SSL_CTX_load_verify_file(context, proxy_ca_file(p)), 1);
    SSL *tls = SSL_new(context);
    SSL_CTX_free(context);
    assert_int_equal(SSL_set_fd(tls, fd), 1);
    assert_int_equal(SSL_connect(tls), 1);
    return tls;
}

static void count_bytes(void *user, size_t connection, enum proxy_way way, const void *data, size_t len)
{
    size_t *counts = user;
    (void)connection;
    for (size_t i = 0; i < len; i++)
        counts[way] += ((const char *)data)[i] == 'x';
}

static void tls_that_ends_in_the_proxy_is_carried_and_read_along(void **unused)
{
    (void)unused;
    static char out[SEVERAL_RECORDS], in[SEVERAL_RECORDS];
    size_t counts[2] = {0, 0};
    uint16_t port;
    int listener = port_listen(&port);
    struct proxy *p = proxy_start_tls(port);
    proxy_tap(p, count_bytes, counts);
    int client = through(p);
    SSL *tls = secure_through(p, client);
    int server = accept(listener, NULL, NULL);
    memset(out, 'x', sizeof out);
    assert_int_equal(SSL_write(tls, out, sizeof out), sizeof out);
    assert_int_equal(recv(server, in, sizeof in, MSG_WAITALL), sizeof in);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(send(server, out, sizeof out, MSG_NOSIGNAL), sizeof out);
    memset(in, 0, sizeof in);
    for (size_t len = 0; len < sizeof in;) {
        int n = SSL_read(tls, in + len, (int)(sizeof in - len));
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_memory_equal(in, out, sizeof in);
    proxy_tap(p, NULL, NULL);
    assert_int_equal(counts[PROXY_TO_BROKER], sizeof out);
    assert_int_equal(counts[PROXY_TO_CLIENT], sizeof out);
    SSL_free(tls);
    close(client);
    close(server);
    close(listener);
}

static void a_proxy_says_farewell_in_tls_but_not_when_it_cuts(void **unused)
{
    (void)unused;
    uint16_t port;
    char byte;
    int listener = port_listen(&port);
    struct proxy *p = proxy_start_tls(port);
    int client = through(p);
    SSL *tls = secure_through(p, client);
    close(accept(listener, NULL, NULL));
    assert_int_equal(SSL_get_error(tls, SSL_read(tls, &byte, 1)), SSL_ERROR_ZERO_RETURN);
    SSL_free(tls);
    close(client);
    client = through(p);
    tls = secure_through(p, client);
    int server = accept(listener, NULL, NULL);
    proxy_cut(p);
    assert_int_equal(SSL_get_error(tls, SSL_read(tls, &byte, 1)), SSL_ERROR_SYSCALL);
    assert_int_equal(recv(server, &byte, 1, 0), 0);
    SSL_free(tls);
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
        system_test(tls_that_ends_in_the_proxy_is_carried_and_read_along),
        system_test(a_proxy_says_farewell_in_tls_but_not_when_it_cuts),
        system_test(a_fake_broker_follows_its_script),
        system_test(a_process_gives_its_lines_and_its_end),
        system_test(the_leaves_below_a_process_are_found_and_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
