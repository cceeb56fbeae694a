#include "audit/publisher.h"

#include "audit/client.h"
#include "audit/random.h"
#include "audit/streams.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/moment.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WINDOW_MAX = 128, TOPIC_BYTES = 96, RECONNECT_MS = 50, IDLE_MS = 1000, NO_SUBSCRIBERS = 0x10 };

/* A message that the broker has not acknowledged, in the order in which it was sent first. */
struct unacked {
    uint16_t id;
    bool is_received; /* PUBREC came, PUBREL is out */
    size_t stream;
    unsigned long number;
    char topic[TOPIC_BYTES];
};

struct publisher {
    pthread_t thread;
    struct ledger *ledger;
    struct client client;
    int wake;
    uint64_t random, gap_ns, next_ns;
    bool was_connected;
    uint16_t last_id;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t finished;
    bool paused[LEDGER_STREAMS_MAX], ending, abandoned, has_finished;
    unsigned bursts[LEDGER_STREAMS_MAX];
    size_t unacked_count;
    struct unacked unacked[WINDOW_MAX];
};

static void put(struct publisher *p, const struct unacked *u, bool is_again)
{
    char payload[PAYLOAD_MAX];
    client_publish(&p->client, &(struct outgoing){.topic = u->topic,
                                                  .payload = payload,
                                                  .payload_len = payload_write(payload, u->number),
                                                  .qos = streams[u->stream].qos,
                                                  .is_again = is_again,
                                                  .id = u->id});
}

static uint16_t free_id(struct publisher *p)
{
    for (;;) {
        p->last_id = p->last_id == UINT16_MAX ? 1 : (uint16_t)(p->last_id + 1);
        size_t i = 0;
        while (i < p->unacked_count && p->unacked[i].id != p->last_id)
            i++;
        if (i == p->unacked_count)
            return p->last_id;
    }
}

static void send_one(struct publisher *p, size_t stream)
{
    const struct stream *s = &streams[stream];
    unsigned key = random_below(&p->random, s->keys), topic = random_below(&p->random, s->topics);
    struct unacked *u = &p->unacked[p->unacked_count];
    *u = (struct unacked){.id = free_id(p), .stream = stream};
    u->number = ledger_send(p->ledger, stream, key, clock_now_ns());
    snprintf(u->topic, sizeof u->topic, "audit/in/%s/%u/%u", s->function, key, topic);
    p->unacked_count++;
    put(p, u, false);
}

/* By weight; stream_count: all are paused. */
static size_t choose_stream(struct publisher *p)
{
    unsigned whole = 0;
    for (size_t i = 0; i < stream_count; i++)
        whole += p->paused[i] ? 0 : streams[i].weight;
    if (whole == 0)
        return stream_count;
    unsigned left = random_below(&p->random, whole);
    size_t i = 0;
    while (p->paused[i] || left >= streams[i].weight)
        left -= p->paused[i++] ? 0 : streams[i - 1].weight;
    return i;
}

static bool has_room(const struct publisher *p)
{
    return p->unacked_count < WINDOW_MAX && p->unacked_count < p->client.receive_maximum;
}

static bool has_bursts(const struct publisher *p)
{
    size_t i = 0;
    while (i < stream_count && !p->bursts[i])
        i++;
    return i < stream_count;
}

static void send_bursts(struct publisher *p)
{
    for (size_t i = 0; i < stream_count; i++)
        for (; p->bursts[i] && !p->paused[i] && has_room(p); p->bursts[i]--)
            send_one(p, i);
}

/* What could not be sent in time, because the broker was away, is not made up for. */
static void send_due(struct publisher *p)
{
    uint64_t now = clock_now_ns();
    if (now > p->next_ns + NS_PER_S)
        p->next_ns = now;
    for (; p->next_ns <= now && has_room(p); p->next_ns += p->gap_ns) {
        size_t stream = choose_stream(p);
        if (stream < stream_count)
            send_one(p, stream);
    }
}

static struct unacked *find(struct publisher *p, uint16_t id)
{
    for (size_t i = 0; i < p->unacked_count; i++)
        if (p->unacked[i].id == id)
            return &p->unacked[i];
    return NULL;
}

static void forget(struct publisher *p, struct unacked *u)
{
    size_t behind = (size_t)(p->unacked + p->unacked_count - (u + 1));
    memmove(u, u + 1, behind * sizeof *u);
    p->unacked_count--;
}

/* A session was there all the time, so somebody has to have subscribed. */
static void check_reason(struct publisher *p, const struct unacked *u, uint8_t reason)
{
    char what[96];
    if (reason == 0)
        return;
    snprintf(what, sizeof what, "%lu was taken with reason 0x%02x%s", u->number, reason,
             reason == NO_SUBSCRIBERS ? ": nobody has subscribed" : "");
    ledger_wrong(p->ledger, u->stream, what, clock_now_ns());
}

static void take(struct publisher *p, const struct packet *k)
{
    struct unacked *u = find(p, k->id);
    if (k->type == PUBREC) {
        if (u) {
            check_reason(p, u, k->reason);
            u->is_received = true;
        }
        client_answer(&p->client, PUBREL, k->id);
    } else if (u && (k->type == PUBACK || k->type == PUBCOMP)) {
        if (k->type == PUBACK)
            check_reason(p, u, k->reason);
        forget(p, u);
    }
}

static void reconnect(struct publisher *p)
{
    if (!client_open(&p->client)) {
        client_turn(&p->client, p->wake, RECONNECT_MS);
        return;
    }
    if (p->was_connected && !p->client.session_present)
        ledger_wrong(p->ledger, 0, "the broker forgot the session of the publisher", clock_now_ns());
    p->was_connected = true;
    for (size_t i = 0; i < p->unacked_count; i++) {
        if (p->unacked[i].is_received)
            client_answer(&p->client, PUBREL, p->unacked[i].id);
        else
            put(p, &p->unacked[i], true);
    }
}

/* The lock is held, and given up while it waits. False: all is done. */
static bool turn(struct publisher *p)
{
    struct packet k;
    uint64_t now = clock_now_ns();
    if (client_is_open(&p->client)) {
        send_bursts(p);
        if (!p->ending)
            send_due(p);
    }
    bool is_full = !has_room(p) || p->ending;
    int wait_ms = is_full || p->next_ns < now ? IDLE_MS : (int)((p->next_ns - now) / NS_PER_MS) + 1;
    pthread_mutex_unlock(&p->lock);
    if (client_is_open(&p->client))
        client_turn(&p->client, p->wake, wait_ms);
    else
        reconnect(p);
    pthread_mutex_lock(&p->lock);
    while (client_is_open(&p->client) && client_next(&p->client, &k))
        take(p, &k);
    return !p->abandoned && (!p->ending || p->unacked_count || has_bursts(p));
}

static void *run(void *user)
{
    struct publisher *p = user;
    pthread_mutex_lock(&p->lock);
    while (turn(p)) {
        eventfd_t count;
        eventfd_read(p->wake, &count);
    }
    p->has_finished = p->unacked_count == 0 && !has_bursts(p);
    pthread_cond_signal(&p->finished);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void publisher_end(void *thing)
{
    struct publisher *p = thing;
    pthread_mutex_lock(&p->lock);
    p->abandoned = true;
    pthread_mutex_unlock(&p->lock);
    eventfd_write(p->wake, 1);
    pthread_join(p->thread, NULL);
    client_finish(&p->client);
    close(p->wake);
    free(p);
}

struct publisher *publisher_start(uint16_t port, struct ledger *l, unsigned rate, uint64_t seed)
{
    struct publisher *p = must_alloc(sizeof *p);
    *p =
        (struct publisher){.ledger = l, .random = seed, .gap_ns = NS_PER_S / rate, .next_ns = clock_now_ns()};
    client_init(&p->client, port, "audit-publisher");
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(p->wake >= 0);
    pthread_mutex_init(&p->lock, NULL);
    moment_cond_init(&p->finished);
    CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
    at_end_of_test(publisher_end, p);
    return p;
}

static void set_paused(struct publisher *p, size_t stream, bool paused)
{
    pthread_mutex_lock(&p->lock);
    p->paused[stream] = paused;
    pthread_mutex_unlock(&p->lock);
}

void publisher_pause(struct publisher *p, size_t stream)
{
    set_paused(p, stream, true);
}

void publisher_resume(struct publisher *p, size_t stream)
{
    set_paused(p, stream, false);
}

void publisher_burst(struct publisher *p, size_t stream, unsigned count)
{
    pthread_mutex_lock(&p->lock);
    p->bursts[stream] += count;
    pthread_mutex_unlock(&p->lock);
    eventfd_write(p->wake, 1);
}

bool publisher_finish(struct publisher *p, int within_ms)
{
    struct timespec until = moment_in(within_ms);
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    eventfd_write(p->wake, 1);
    while (!p->has_finished && pthread_cond_timedwait(&p->finished, &p->lock, &until) == 0)
        ;
    bool finished = p->has_finished;
    pthread_mutex_unlock(&p->lock);
    return finished;
}
