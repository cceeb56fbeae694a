#include "attack/steady.h"

#include "shared/check.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/moment.h"
#include "support/process.h"
#include "support/test.h"

#include <mosquitto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct steady {
    struct steady_options options;
    struct mosquitto *client;
    pthread_t thread;
    int clock; /* timerfd */
    bool running;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    bool subscribed, stopping;
    size_t sent, answered;
    uint64_t *sent_ns, *answered_ns; /* 0: not yet */
};

static void on_connect(struct mosquitto *client, void *user, int code)
{
    struct steady *s = user;
    if (code == 0)
        mosquitto_subscribe(client, NULL, s->options.from, 1);
}

static void on_subscribe(struct mosquitto *client, void *user, int mid, int count, const int *granted)
{
    (void)client, (void)mid, (void)count, (void)granted;
    struct steady *s = user;
    pthread_mutex_lock(&s->lock);
    s->subscribed = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void on_message(struct mosquitto *client, void *user, const struct mosquitto_message *m)
{
    (void)client;
    struct steady *s = user;
    uint64_t now_ns = clock_now_ns();
    size_t number = strtoul(m->payload, NULL, 10);
    pthread_mutex_lock(&s->lock);
    if (number < s->sent && !s->answered_ns[number]) {
        s->answered_ns[number] = now_ns;
        s->answered++;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
}

static bool may_send(struct steady *s, size_t number)
{
    pthread_mutex_lock(&s->lock);
    bool may = !s->stopping && number < s->options.most;
    if (may) {
        s->sent_ns[number] = clock_now_ns();
        s->sent = number + 1;
    }
    pthread_mutex_unlock(&s->lock);
    return may;
}

/* Behind schedule it catches up: what waits here counts as late, and is not left out of the measurement. */
static void *send_steadily(void *user)
{
    struct steady *s = user;
    uint64_t ticks;
    for (size_t number = 0; read(s->clock, &ticks, sizeof ticks) == sizeof ticks;)
        for (; ticks; ticks--, number++) {
            char payload[24];
            if (!may_send(s, number))
                return NULL;
            int len = snprintf(payload, sizeof payload, "%zu", number);
            CHECK(mosquitto_publish(s->client, NULL, s->options.to, len, payload, 1, false) ==
                  MOSQ_ERR_SUCCESS);
        }
    return NULL;
}

static void stop(struct steady *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
}

static void steady_end(void *thing)
{
    struct steady *s = thing;
    stop(s);
    mosquitto_disconnect(s->client);
    mosquitto_loop_stop(s->client, false);
    mosquitto_destroy(s->client);
    close(s->clock);
    free(s->sent_ns);
    free(s->answered_ns);
    free(s);
}

static void connect_client(struct steady *s)
{
    const struct steady_options *o = &s->options;
    CHECK(mosquitto_lib_init() == MOSQ_ERR_SUCCESS);
    s->client = mosquitto_new("steady", true, s);
    CHECK(s->client);
    mosquitto_int_option(s->client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_max_inflight_messages_set(s->client, 0);
    mosquitto_username_pw_set(s->client, o->username, o->password);
    mosquitto_connect_callback_set(s->client, on_connect);
    mosquitto_subscribe_callback_set(s->client, on_subscribe);
    mosquitto_message_callback_set(s->client, on_message);
    CHECK(mosquitto_connect(s->client, "127.0.0.1", o->port, 60) == MOSQ_ERR_SUCCESS);
    CHECK(mosquitto_loop_start(s->client) == MOSQ_ERR_SUCCESS);
}

static bool await_subscription(struct steady *s)
{
    struct timespec until = moment_in(GUARD_MS);
    pthread_mutex_lock(&s->lock);
    while (!s->subscribed && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
        ;
    bool subscribed = s->subscribed;
    pthread_mutex_unlock(&s->lock);
    return subscribed;
}

struct steady *steady_start(const struct steady_options *o)
{
    struct steady *s = must_alloc(sizeof *s);
    *s = (struct steady){.options = *o, .clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)};
    s->sent_ns = calloc(o->most, sizeof *s->sent_ns);
    s->answered_ns = calloc(o->most, sizeof *s->answered_ns);
    CHECK(s->sent_ns && s->answered_ns && s->clock >= 0);
    pthread_mutex_init(&s->lock, NULL);
    moment_cond_init(&s->changed);
    connect_client(s);
    at_end_of_test(steady_end, s);
    if (!await_subscription(s))
        give_up("the broker does not let the steady device subscribe");
    long every_ns = (long)(NS_PER_S / o->per_second);
    struct itimerspec pace = {.it_interval.tv_nsec = every_ns, .it_value.tv_nsec = every_ns};
    CHECK(timerfd_settime(s->clock, 0, &pace, NULL) == 0);
    CHECK(pthread_create(&s->thread, NULL, send_steadily, s) == 0);
    s->running = true;
    return s;
}

void steady_await(struct steady *s, size_t number)
{
    struct timespec until = moment_in(GUARD_MS);
    pthread_mutex_lock(&s->lock);
    while (!s->answered_ns[number] && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
        ;
    bool answered = s->answered_ns[number];
    pthread_mutex_unlock(&s->lock);
    if (!answered)
        give_up("the sibling does not answer number %zu", number);
}

size_t steady_sent(struct steady *s)
{
    pthread_mutex_lock(&s->lock);
    size_t sent = s->sent;
    pthread_mutex_unlock(&s->lock);
    return sent;
}

size_t steady_finish(struct steady *s)
{
    stop(s);
    struct timespec until = moment_in(GUARD_MS);
    pthread_mutex_lock(&s->lock);
    while (s->answered < s->sent && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
        ;
    size_t lost = s->sent - s->answered;
    pthread_mutex_unlock(&s->lock);
    return lost;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t steady_p99_ns(struct steady *s, size_t from, size_t to)
{
    size_t count = to - from;
    uint64_t *took_ns = must_alloc(count * sizeof *took_ns);
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < count; i++)
        took_ns[i] = s->answered_ns[from + i] - s->sent_ns[from + i];
    pthread_mutex_unlock(&s->lock);
    qsort(took_ns, count, sizeof *took_ns, by_size);
    uint64_t p99_ns = took_ns[count * 99 / 100];
    free(took_ns);
    return p99_ns;
}
