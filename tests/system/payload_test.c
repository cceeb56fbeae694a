/* payload_test.c: payloads of all sizes come back as they went, however often they are run and whichever way
 * they take through the client, the socket pair and the worker. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024, LONGEST = 3 * 1024 * KIB, ROUNDS = 3 };

/* About the lengths from which a payload is read, kept and sent in place, and beyond what sockets hold. */
static const size_t sizes[] = {
    256 * KIB, 0,        256 * KIB, 1,        16 * KIB - 1, 16 * KIB,   16 * KIB + 1, 64 * KIB - 1,
    64 * KIB,  65 * KIB, 256 * KIB, 20 * KIB, 256 * KIB,    1024 * KIB, 100,          2 * 1024 * KIB,
    256 * KIB, LONGEST};

enum { SIZES = sizeof sizes / sizeof *sizes };

#define RELAY_MANIFEST                                                                                       \
    "function: relay\n"                                                                                      \
    "handler: relay.so\n"                                                                                    \
    "triggers: [ { topic: echo } ]\n"                                                                        \
    "publishes: [ out/echo ]\n"                                                                              \
    "order: all\n"                                                                                           \
    "limits: { payload: 4MiB, memory: 128MiB }\n"                                                            \
    "retry: { attempts: 100, backoff: 1ms, max_backoff: 10ms }\n"

struct echo {
    struct broker *broker;
    struct hark *hark;
    struct device *phone;
};

static struct echo echo_start(void)
{
    struct echo e = {.broker = broker_start()};
    e.hark = hark_run(broker_url(e.broker));
    file_copy(path_in(TEST_FUNCTIONS, "relay.so"), hark_file(e.hark, "relay.so"));
    hark_manifest(e.hark, "relay", RELAY_MANIFEST);
    hark_wait_line(e.hark, "^hark: deployed relay ");
    e.phone = device_connect(broker_port(e.broker), "phone");
    device_subscribe(e.phone, "out/echo", 1);
    return e;
}

/* No two places of it look the same, nor do two of them. */
static void write_payload(char *payload, size_t len, unsigned seed)
{
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        payload[i] = (char)(state >> 24);
    }
}

static void send_all(const struct echo *e, char *room)
{
    for (unsigned i = 0; i < SIZES; i++) {
        write_payload(room, sizes[i], i);
        device_publish_message(
            e->phone, &(struct message){.topic = "echo", .payload = room, .payload_len = sizes[i], .qos = 1});
    }
}

static void expect_all(const struct echo *e, char *room)
{
    for (unsigned i = 0; i < SIZES; i++) {
        const struct message *m = device_wait(e->phone, "out/echo");
        write_payload(room, sizes[i], i);
        assert_int_equal(m->payload_len, sizes[i]);
        assert_memory_equal(m->payload, room, sizes[i]);
    }
}

static void payloads_of_all_sizes_come_back_as_they_went(void **unused)
{
    (void)unused;
    struct echo e = echo_start();
    char *room = malloc(LONGEST);
    for (unsigned round = 0; round < ROUNDS; round++) {
        send_all(&e, room);
        expect_all(&e, room);
    }
    free(room);
}

/* What a message keeps has to be there for the second try. */
static void payloads_are_whole_when_they_run_again(void **unused)
{
    (void)unused;
    struct echo e = echo_start();
    char *room = malloc(LONGEST);
    unsigned seed = 1, kills = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        send_all(&e, room);
        kills += worker_kill_random(e.hark->process->pid, &seed) != 0;
        expect_all(&e, room);
    }
    assert_true(kills > 0);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(payloads_of_all_sizes_come_back_as_they_went),
        system_test(payloads_are_whole_when_they_run_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
