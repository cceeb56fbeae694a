#include "cli/peer.h"

#include "cli/complain.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { RECEIVE_MAXIMUM = 1000, PACKET_BYTES_MAX = 32 << 20 };

void peer_close(struct peer *p, int code)
{
    p->code = p->code ? p->code : code;
    if (p->closing)
        return;
    p->closing = true;
    p->events->closing(p->user);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    uv_close((uv_handle_t *)&p->terminate, NULL);
    mqtt_client_close(p->client, true);
}

static void on_state(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause, const char *text,
                     uint64_t retry_ns)
{
    struct peer *p = user;
    (void)resumed, (void)retry_ns;
    p->is_online = state == MQTT_ONLINE;
    if (p->is_online) {
        p->was_online = true;
        p->events->online(p->user, p);
    }
    if (state != MQTT_OFFLINE || p->closing || cause == MQTT_CAUSE_VERSION)
        return;
    if (p->events->lost) {
        p->events->lost(p->user, text);
        return;
    }
    if (p->was_online)
        log_warn("%s; trying again", text);
    else
        log_error("%s", text);
    if (!p->was_online)
        peer_close(p, EX_UNAVAILABLE);
}

static void on_message(void *user, struct mqtt_message *message)
{
    struct peer *p = user;
    if (!p->closing)
        p->events->message(p->user, message);
    mqtt_client_release(p->client, message);
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct peer *p = user;
    if (!p->closing)
        p->events->published(p->user, token, reason);
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    struct peer *p = user;
    (void)index;
    if (!p->closing)
        p->events->subscribed(p->user, p, reason);
}

static void on_closed(void *user)
{
    struct peer *p = user;
    mqtt_io_close(p->io);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    peer_close(signal->data, 0);
}

static void listen_to_signals(struct peer *p)
{
    uv_signal_init(&p->loop, &p->interrupt);
    uv_signal_init(&p->loop, &p->terminate);
    p->interrupt.data = p->terminate.data = p;
    uv_signal_start(&p->interrupt, on_signal, SIGINT);
    uv_signal_start(&p->terminate, on_signal, SIGTERM);
}

static void connect_to_broker(struct peer *p, const char *role)
{
    static const struct mqtt_client_events events = {.state = on_state,
                                                     .message = on_message,
                                                     .published = on_published,
                                                     .subscribed = on_subscribed,
                                                     .closed = on_closed};
    char id[128];
    snprintf(id, sizeof id, "hark/%s/_%s-%d", p->settings->node, role,
             (int)getpid()); /* no function has a _ */
    struct mqtt_client_options options = {.session = {.client_id = id,
                                                      .clean_start = true,
                                                      .receive_maximum = RECEIVE_MAXIMUM,
                                                      .packet_max_bytes = PACKET_BYTES_MAX},
                                          .random_seed = (uint64_t)getpid()};
    broker_fill(p->broker, &options);
    p->client = mqtt_client_create(p->io, &options, &events, p);
    explicit_bzero(&options, sizeof options);
    CHECK(p->client);
}

static int open_broker(struct peer *p)
{
    struct broker_options options;
    struct diag diag;
    int error;
    settings_describe_broker(&p->settings->brokers[0], &options);
    p->broker = broker_create(&options, &error, &diag);
    explicit_bzero(&options, sizeof options);
    if (p->broker)
        return 0;
    complain(&diag);
    return broker_exit_code(error);
}

static int start(struct peer *p, const char *role)
{
    int code = open_broker(p);
    if (code != 0)
        return code;
    CHECK(uv_loop_init(&p->loop) == 0);
    p->io = mqtt_io_create(&p->loop);
    CHECK(p->io);
    listen_to_signals(p);
    connect_to_broker(p, role);
    return 0;
}

int peer_open_with(struct peer *p, const struct settings *settings, const char *role,
                   const struct peer_events *events, void *user)
{
    *p = (struct peer){.events = events, .user = user, .settings = settings};
    return start(p, role);
}

int peer_open(struct peer *p, struct options *o, const char *role, const struct peer_events *events,
              void *user)
{
    *p = (struct peer){.events = events, .user = user, .settings = &p->own};
    struct options own = *o; /* its arguments are no folders, and it keeps no state */
    own.argument_count = 0;
    own.state = "none";
    int code = settings_load(&own, &p->own);
    if (code != 0)
        return code;
    code = start(p, role);
    if (code != 0)
        settings_finish(&p->own);
    return code;
}

int peer_run(struct peer *p)
{
    uv_run(&p->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&p->loop) == 0);
    broker_destroy(p->broker);
    settings_finish(&p->own);
    return p->code;
}
