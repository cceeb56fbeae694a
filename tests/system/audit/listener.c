#include "audit/listener.h"

#include "audit/client.h"
#include "audit/streams.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RECONNECT_MS = 50, IDLE_MS = 1000, IDS = 65536 };

#define ANSWERS "audit/out/"
#define GRAVES  "hark/dead/"

struct listener {
    pthread_t thread;
    struct ledger *ledger;
    struct client client;
    int wake;
    atomic_bool ending;
    bool is_known[IDS]; /* QoS 2: PUBREC is out, PUBREL has not come */
};

static bool begins_with(struct slice text, const char *start)
{
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.data, start, len) == 0;
}

/* What a dead letter says of itself; NULL: all is as it should be. */
static const char *fault_of_letter(const struct stream *s, const struct packet *p)
{
    char origin[64], attempts[16];
    snprintf(origin, sizeof origin, "audit/in/%s/", s->function);
    snprintf(attempts, sizeof attempts, "%u", s->attempts);
    if (!slice_equal(packet_property(p, "hark-function"), slice_of(s->function)))
        return "hark-function";
    if (!begins_with(packet_property(p, "hark-topic"), origin))
        return "hark-topic";
    if (!begins_with(packet_property(p, "hark-reason"), "crash: killed by SIG"))
        return "hark-reason";
    if (!slice_equal(packet_property(p, "hark-attempts"), slice_of(attempts)))
        return "hark-attempts";
    return NULL;
}

static void hear_letter(struct listener *l, size_t stream, const struct packet *p, unsigned long number)
{
    uint64_t now = clock_now_ns();
    char what[96];
    const char *fault = fault_of_letter(&streams[stream], p);
    ledger_bury(l->ledger, stream, number, now);
    if (!fault)
        return;
    struct slice value = packet_property(p, fault);
    snprintf(what, sizeof what, "dead letter of %lu: %s is '%.*s'", number, fault, SLICE_ARG(value));
    ledger_wrong(l->ledger, stream, what, now);
}

static void hear(struct listener *l, const struct packet *p)
{
    bool is_letter = begins_with(p->topic, GRAVES);
    size_t prefix = strlen(is_letter ? GRAVES : ANSWERS);
    size_t stream = stream_find(p->topic.data + prefix, p->topic.len - prefix);
    unsigned long number = payload_read(p->payload.data, p->payload.len);
    if (stream == stream_count)
        ledger_wrong(l->ledger, 0, "an answer of no function of ours", clock_now_ns());
    else if (number == 0)
        ledger_wrong(l->ledger, stream, "other bytes than were sent", clock_now_ns());
    else if (is_letter)
        hear_letter(l, stream, p, number);
    else
        ledger_answer(l->ledger, stream, number, clock_now_ns());
}

static void take_publish(struct listener *l, const struct packet *p)
{
    if (p->qos < 2 || !l->is_known[p->id])
        hear(l, p);
    l->is_known[p->id] = p->qos == 2;
    if (p->qos)
        client_answer(&l->client, p->qos == 2 ? PUBREC : PUBACK, p->id);
}

static void take(struct listener *l, const struct packet *p)
{
    if (p->type == PUBLISH) {
        take_publish(l, p);
    } else if (p->type == PUBREL) {
        l->is_known[p->id] = false;
        client_answer(&l->client, PUBCOMP, p->id);
    }
}

static void turn(struct listener *l)
{
    struct packet p;
    if (!client_is_open(&l->client)) {
        if (!client_open(&l->client)) {
            client_turn(&l->client, l->wake, RECONNECT_MS);
            return;
        }
        if (!l->client.session_present)
            ledger_wrong(l->ledger, 0, "the broker forgot the session of the listener", clock_now_ns());
    }
    client_turn(&l->client, l->wake, IDLE_MS);
    while (client_next(&l->client, &p))
        take(l, &p);
}

static void *run(void *user)
{
    struct listener *l = user;
    while (!l->ending)
        turn(l);
    return NULL;
}

static void listener_end(void *thing)
{
    struct listener *l = thing;
    l->ending = true;
    eventfd_write(l->wake, 1);
    pthread_join(l->thread, NULL);
    client_finish(&l->client);
    close(l->wake);
    free(l);
}

static void subscribe(struct listener *l, const char *filter, uint8_t qos)
{
    struct packet p;
    client_subscribe(&l->client, filter, qos, 1);
    client_turn(&l->client, -1, GUARD_MS);
    if (!client_next(&l->client, &p) || p.type != SUBACK || p.reason != qos)
        fail_msg("the broker does not take the subscription to %s", filter);
}

struct listener *listener_start(uint16_t port, struct ledger *ledger, uint8_t qos)
{
    struct listener *l = must_alloc(sizeof *l);
    memset(l, 0, sizeof *l);
    l->ledger = ledger;
    client_init(&l->client, port, "audit-listener");
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(l->wake >= 0);
    assert_true(client_open(&l->client));
    subscribe(l, ANSWERS "#", qos);
    subscribe(l, GRAVES "#", qos);
    CHECK(pthread_create(&l->thread, NULL, run, l) == 0);
    at_end_of_test(listener_end, l);
    return l;
}
