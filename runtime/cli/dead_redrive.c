/* dead_redrive.c: dead letters to their topics again, at a chosen rate, each removed when the broker has it.
 */
#include "cli/dead.h"

#include "cli/complain.h"
#include "dispatcher/broker.h"
#include "mqtt/packet.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { UNDER_WAY_MAX = 64, RATE_DEFAULT = 10 };

struct redrive {
    struct dead *dead;
    uv_loop_t loop;
    uv_timer_t timer;
    struct mqtt_io *io;
    struct broker *broker;
    struct mqtt_client *client;
    size_t next, under_way, gone; /* of dead->names: the next to publish; not answered; removed */
    int code;
    bool online, closing;
};

static void say(struct redrive *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(struct redrive *r, int code, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s", text);
    r->code = r->code ? r->code : code;
}

static void finish(struct redrive *r)
{
    if (r->closing)
        return;
    r->closing = true;
    uv_timer_stop(&r->timer);
    mqtt_client_close(r->client, true);
}

/* ---- one of them ---- */

static int publish(struct redrive *r, const struct dead_letter *l, size_t index)
{
    struct property properties[MQTT_USER_PROPERTIES_MAX + 1] = {{slice_of("hark-redriven"), slice_of(l->id)}};
    struct mqtt_publish m = l->message;
    for (uint32_t i = 0; i < m.property_count; i++)
        properties[1 + i] = m.properties[i];
    m.properties = properties;
    m.property_count++;
    m.qos = 1;
    m.retain = false; /* whoever subscribes later is not to take it for the state of things */
    if (!packet_publish_plain(&m))
        return -EILSEQ;
    return mqtt_client_publish(r->client, &m, &r->dead->names[index]);
}

/* With several brokers `--all` is not to mix them up; who names both the letter and the broker means it. */
static bool is_meant(const struct redrive *r, const struct dead_letter *l)
{
    const struct options *o = r->dead->options;
    bool has_ids = o->argument_count > 1;
    return strcmp(l->broker, r->broker->url_text) == 0 || (has_ids && o->broker);
}

/* What stands against it, said. */
static bool may_be_published(struct redrive *r, const struct dead_letter *l)
{
    if (!l->message.topic.data)
        say(r, EX_DATAERR, "dead letter %s was a timer's event: there is nothing to publish", l->id);
    else if (!is_meant(r, l))
        say(r, EX_DATAERR,
            "dead letter %s is of another broker, %s: give --broker, or its ID too to send it elsewhere",
            l->id, l->broker);
    else
        return true;
    return false;
}

static void publish_next(struct redrive *r)
{
    struct dead_record record;
    size_t index = r->next++;
    int error = dead_read(r->dead, &r->dead->names[index], true, &record);
    if (error) {
        r->code = error != -ENOENT && !r->code ? error : r->code;
        return;
    }
    if (may_be_published(r, &record.letter)) {
        error = publish(r, &record.letter, index);
        if (error)
            say(r, error == -EILSEQ ? EX_DATAERR : EX_SOFTWARE, "dead letter %s cannot be published: %s",
                record.letter.id,
                error == -EILSEQ ? "a control character, for which brokers end the connection"
                                 : strerror(-error));
        else
            r->under_way++;
    }
    dead_record_finish(&record);
}

static void go_on(struct redrive *r)
{
    if (r->next == r->dead->count && r->under_way == 0)
        finish(r);
}

static void on_tick(uv_timer_t *timer)
{
    struct redrive *r = timer->data;
    if (r->online && r->next < r->dead->count && r->under_way < UNDER_WAY_MAX)
        publish_next(r);
    go_on(r);
}

/* ---- what the broker says ---- */

static void on_published(void *user, void *token, unsigned reason)
{
    struct redrive *r = user;
    const struct dead_name *name = token;
    r->under_way--;
    if (reason == PACKET_NO_MATCHING_SUBSCRIBERS) {
        say(r, EX_NOPERM, "dead letter %s stays: nobody is subscribed to its topic", name->id);
    } else if (reason >= 0x80) {
        say(r, EX_NOPERM, "dead letter %s stays: the broker did not take it: %s (0x%02x)", name->id,
            reason < 0x100 ? packet_reason_name((uint8_t)reason) : "it is too large", reason);
    } else if (dead_store_remove(r->dead->folder, name)) {
        say(r, EX_NOPERM, "dead letter %s is published, but cannot be removed", name->id);
    } else {
        r->gone++;
        printf("%s published\n", name->id);
    }
    go_on(r);
}

static void on_state(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause, const char *text,
                     uint64_t retry_ns)
{
    struct redrive *r = user;
    uint64_t interval_ms = 1000 / (r->dead->options->rate ? r->dead->options->rate : RATE_DEFAULT);
    (void)resumed, (void)retry_ns;
    r->online = state == MQTT_ONLINE;
    if (r->online)
        uv_timer_start(&r->timer, on_tick, 0, interval_ms ? interval_ms : 1);
    if (state != MQTT_OFFLINE || r->closing || cause == MQTT_CAUSE_VERSION)
        return;
    say(r, EX_UNAVAILABLE, "%s; what is not published stays", text);
    finish(r);
}

static void on_message(void *user, struct mqtt_message *message)
{
    struct redrive *r = user;
    mqtt_client_release(r->client, message); /* it has no subscription: nothing should come */
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    (void)user, (void)index, (void)reason;
}

static void on_closed(void *user)
{
    struct redrive *r = user;
    mqtt_io_close(r->io);
    uv_close((uv_handle_t *)&r->timer, NULL);
}

static void connect_to_broker(struct redrive *r)
{
    static const struct mqtt_client_events events = {.state = on_state,
                                                     .message = on_message,
                                                     .published = on_published,
                                                     .subscribed = on_subscribed,
                                                     .closed = on_closed};
    char id[128];
    snprintf(id, sizeof id, "hark/%s/_redrive-%d", r->dead->settings.node,
             (int)getpid()); /* no function's name has a _ */
    struct mqtt_client_options options = {
        .session = {.client_id = id, .clean_start = true, .receive_maximum = 16, .packet_max_bytes = 1 << 20},
        .random_seed = (uint64_t)getpid()};
    broker_fill(r->broker, &options);
    r->client = mqtt_client_create(r->io, &options, &events, r);
    explicit_bzero(&options, sizeof options);
    CHECK(r->client);
}

static int open_broker(struct redrive *r)
{
    struct broker_options options;
    struct diag diag;
    int error;
    settings_describe_broker(&r->dead->settings.brokers[0], &options);
    r->broker = broker_create(&options, &error, &diag);
    explicit_bzero(&options, sizeof options);
    if (r->broker)
        return EX_OK;
    complain(&diag);
    return broker_exit_code(error);
}

int dead_redrive(struct dead *d)
{
    struct redrive r = {.dead = d};
    if (d->count == 0) {
        log_info("there is nothing to publish");
        return EX_OK;
    }
    int code = open_broker(&r);
    if (!r.broker)
        return code;
    CHECK(uv_loop_init(&r.loop) == 0);
    uv_timer_init(&r.loop, &r.timer);
    r.timer.data = &r;
    r.io = mqtt_io_create(&r.loop);
    CHECK(r.io);
    connect_to_broker(&r);
    uv_run(&r.loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&r.loop) == 0);
    broker_destroy(r.broker);
    if (r.gone && dead_store_sync(d->folder))
        say(&r, EX_SOFTWARE, "the dead letters' folder cannot be written");
    return r.code;
}
