#include "support/device.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/moment.h"
#include "support/other_broker.h"
#include "support/process.h"
#include "support/test.h"

#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { KEEP_ALIVE_S = 60, FLOOD_GUARD_MS = 90000 };

struct arrival {
    TAILQ_ENTRY(arrival) next;
    struct message *message;
    bool taken;
};

struct flood {
    pthread_t thread;
    const char *topic;
    size_t n, window;
    bool has_topics;
    bool running, failed;
};

struct device {
    struct mosquitto *client;
    struct device_options options;
    struct flood flood;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    TAILQ_HEAD(, arrival) arrivals;
    struct tally *tally;
    int connack; /* -1: not yet */
    bool found_session;
    int suback; /* -1: not yet; granted QoS or reason code */
    size_t acknowledged;
};

static void on_connect(struct mosquitto *client, void *user, int code, int flags,
                       const mosquitto_property *props)
{
    (void)client;
    (void)props;
    struct device *d = user;
    pthread_mutex_lock(&d->lock);
    d->connack = code;
    d->found_session = flags & 1;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void on_subscribe(struct mosquitto *client, void *user, int mid, int count, const int *granted)
{
    (void)client;
    (void)mid;
    (void)count;
    struct device *d = user;
    pthread_mutex_lock(&d->lock);
    d->suback = granted[0];
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void on_publish(struct mosquitto *client, void *user, int mid)
{
    (void)client;
    (void)mid;
    struct device *d = user;
    pthread_mutex_lock(&d->lock);
    d->acknowledged++;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void on_message(struct mosquitto *client, void *user, const struct mosquitto_message *m,
                       const mosquitto_property *properties)
{
    (void)client;
    struct device *d = user;
    struct message *copy = message_copy(m, properties);
    pthread_mutex_lock(&d->lock);
    struct tally *tally = d->tally;
    if (!tally) {
        struct arrival *a = must_alloc(sizeof *a);
        *a = (struct arrival){.message = copy};
        TAILQ_INSERT_TAIL(&d->arrivals, a, next);
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    if (tally) {
        tally_add(tally, copy->payload);
        message_free(copy);
    }
}

void device_disconnect(struct device *d)
{
    if (!d->client)
        return;
    mosquitto_disconnect(d->client);
    mosquitto_loop_stop(d->client, false);
    mosquitto_destroy(d->client);
    d->client = NULL;
}

static void device_end(void *thing)
{
    struct device *d = thing;
    if (d->flood.running)
        device_flood_join(d);
    device_disconnect(d);
    struct arrival *a;
    while ((a = TAILQ_FIRST(&d->arrivals))) {
        TAILQ_REMOVE(&d->arrivals, a, next);
        message_free(a->message);
        free(a);
    }
    free(d);
}

static void use_library(void)
{
    static bool used;
    if (!used)
        CHECK(mosquitto_lib_init() == MOSQ_ERR_SUCCESS);
    used = true;
}

static void set_up_client(struct device *d)
{
    const struct device_options *o = &d->options;
    d->client = mosquitto_new(o->id, !o->resumes, d);
    CHECK(d->client);
    mosquitto_int_option(d->client, MOSQ_OPT_PROTOCOL_VERSION,
                         o->is_v311 ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5);
    mosquitto_int_option(d->client, MOSQ_OPT_TCP_NODELAY, 1);
    if (o->username)
        mosquitto_username_pw_set(d->client, o->username, o->password);
    mosquitto_max_inflight_messages_set(d->client, 0);
    mosquitto_connect_v5_callback_set(d->client, on_connect);
    mosquitto_subscribe_callback_set(d->client, on_subscribe);
    mosquitto_publish_callback_set(d->client, on_publish);
    mosquitto_message_v5_callback_set(d->client, on_message);
}

struct device *device_connect_with(const struct device_options *o)
{
    use_library();
    struct device *d = must_alloc(sizeof *d);
    *d = (struct device){.options = *o, .connack = -1};
    if (*other_broker_login() && !o->username)
        d->options.username = "tester", d->options.password = "secret";
    d->options.is_v311 |= other_broker_lacks("mqtt5");
    TAILQ_INIT(&d->arrivals);
    pthread_mutex_init(&d->lock, NULL);
    moment_cond_init(&d->changed);
    set_up_client(d);
    at_end_of_test(device_end, d);
    assert_int_equal(mosquitto_connect(d->client, "127.0.0.1", o->port, KEEP_ALIVE_S), MOSQ_ERR_SUCCESS);
    assert_int_equal(mosquitto_loop_start(d->client), MOSQ_ERR_SUCCESS);
    struct timespec until = moment_in(GUARD_MS);
    pthread_mutex_lock(&d->lock);
    while (d->connack < 0 && pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
        ;
    int connack = d->connack;
    pthread_mutex_unlock(&d->lock);
    assert_int_equal(connack, 0);
    return d;
}

struct device *device_connect(uint16_t port, const char *id)
{
    return device_connect_with(&(struct device_options){.port = port, .id = id});
}

bool device_found_session(const struct device *d)
{
    return d->found_session;
}

void device_subscribe(struct device *d, const char *filter, int qos)
{
    pthread_mutex_lock(&d->lock);
    d->suback = -1;
    pthread_mutex_unlock(&d->lock);
    assert_int_equal(mosquitto_subscribe(d->client, NULL, filter, qos), MOSQ_ERR_SUCCESS);
    struct timespec until = moment_in(GUARD_MS);
    pthread_mutex_lock(&d->lock);
    while (d->suback < 0 && pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
        ;
    int granted = d->suback;
    pthread_mutex_unlock(&d->lock);
    assert_int_equal(granted, qos == 2 && other_broker_lacks("qos2") ? 1 : qos);
}

/* Waits until the broker has acknowledged `count` messages (QoS 0: libmosquitto has written them). */
static bool wait_acknowledged(struct device *d, size_t count, int within_ms)
{
    struct timespec until = moment_in(within_ms);
    pthread_mutex_lock(&d->lock);
    while (d->acknowledged < count && pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
        ;
    bool enough = d->acknowledged >= count;
    pthread_mutex_unlock(&d->lock);
    return enough;
}

static size_t acknowledged(struct device *d)
{
    pthread_mutex_lock(&d->lock);
    size_t count = d->acknowledged;
    pthread_mutex_unlock(&d->lock);
    return count;
}

/* MQTT 3.1.1 has none: a test that sends them cannot be run with a broker that knows no other. */
static void drop_properties(mosquitto_property **properties)
{
    mosquitto_property_free_all(properties);
    need_of_broker("mqtt5");
}

void device_publish_message(struct device *d, const struct message *m)
{
    size_t before = acknowledged(d);
    mosquitto_property *properties = message_to_properties(m);
    if (properties && d->options.is_v311)
        drop_properties(&properties);
    int code = mosquitto_publish_v5(d->client, NULL, m->topic, (int)m->payload_len, m->payload, m->qos,
                                    m->retained, properties);
    mosquitto_property_free_all(&properties);
    assert_int_equal(code, MOSQ_ERR_SUCCESS);
    if (!wait_acknowledged(d, before + 1, GUARD_MS))
        fail_msg("the broker does not acknowledge a message to %s", m->topic);
}

void device_publish(struct device *d, const char *topic, const char *payload, int qos)
{
    struct message m = {.topic = topic, .payload = payload, .payload_len = strlen(payload), .qos = qos};
    device_publish_message(d, &m);
}

static void *flood(void *user)
{
    struct device *d = user;
    struct flood *f = &d->flood;
    size_t before = acknowledged(d);
    for (size_t i = 0; i < f->n && !f->failed; i++) {
        char payload[24], topic[256];
        int len = snprintf(payload, sizeof payload, "%zu", i);
        snprintf(topic, sizeof topic, f->has_topics ? "%s/%zu" : "%s", f->topic, i);
        if (i >= f->window && !wait_acknowledged(d, before + i - f->window + 1, GUARD_MS))
            f->failed = true;
        else if (mosquitto_publish(d->client, NULL, topic, len, payload, 1, false) != MOSQ_ERR_SUCCESS)
            f->failed = true;
    }
    if (!wait_acknowledged(d, before + f->n, f->failed ? 0 : FLOOD_GUARD_MS))
        f->failed = true;
    return NULL;
}

static void start_flood(struct device *d, const struct flood *f)
{
    CHECK(!d->flood.running);
    d->flood = *f;
    d->flood.running = true;
    CHECK(pthread_create(&d->flood.thread, NULL, flood, d) == 0);
}

void device_flood(struct device *d, const char *topic, size_t n, size_t window)
{
    start_flood(d, &(struct flood){.topic = topic, .n = n, .window = window});
}

void device_flood_topics(struct device *d, const char *topic, size_t n, size_t window)
{
    start_flood(d, &(struct flood){.topic = topic, .n = n, .window = window, .has_topics = true});
}

void device_flood_join(struct device *d)
{
    pthread_join(d->flood.thread, NULL);
    d->flood.running = false;
    assert_false(d->flood.failed);
}

static bool matches(const char *filter, const struct message *m)
{
    bool result = false;
    mosquitto_topic_matches_sub(filter, m->topic, &result);
    return result;
}

/* The lock is held. */
static struct arrival *next_arrival(struct device *d, const char *filter)
{
    struct arrival *a;
    TAILQ_FOREACH (a, &d->arrivals, next)
        if (!a->taken && matches(filter, a->message))
            return a;
    return NULL;
}

const struct message *device_wait(struct device *d, const char *filter)
{
    struct timespec until = moment_in(GUARD_MS);
    pthread_mutex_lock(&d->lock);
    struct arrival *a = next_arrival(d, filter);
    while (!a && pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
        a = next_arrival(d, filter);
    if (a)
        a->taken = true;
    pthread_mutex_unlock(&d->lock);
    if (!a)
        give_up("nothing comes on %s", filter);
    return a->message;
}

void device_expect(struct device *d, const char *filter, const char *payload)
{
    assert_string_equal(device_wait(d, filter)->payload, payload);
}

size_t device_count(struct device *d, const char *filter)
{
    size_t count = 0;
    struct arrival *a;
    pthread_mutex_lock(&d->lock);
    TAILQ_FOREACH (a, &d->arrivals, next)
        count += matches(filter, a->message);
    pthread_mutex_unlock(&d->lock);
    return count;
}

void device_tally(struct device *d, struct tally *t)
{
    pthread_mutex_lock(&d->lock);
    d->tally = t;
    pthread_mutex_unlock(&d->lock);
}
