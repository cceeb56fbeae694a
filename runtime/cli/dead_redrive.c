/* dead_redrive.c: dead letters to their topics again, at a chosen rate, each removed when the broker has it.
 */
#include "cli/dead.h"

#include "cli/peer.h"
#include "mqtt/packet.h"
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
    struct peer peer;
    uv_timer_t timer;
    size_t next, under_way, gone; /* of dead->names: the next to publish; not answered; removed */
    bool is_lost;                 /* the connection */
    int code;
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
    return mqtt_client_publish(r->peer.client, &m, &r->dead->names[index]);
}

/* With several brokers `--all` is not to mix them up; who names both the letter and the broker means it. */
static bool is_meant(const struct redrive *r, const struct dead_letter *l)
{
    const struct options *o = r->dead->options;
    bool has_ids = o->argument_count > 1;
    return strcmp(l->broker, r->peer.broker->url_text) == 0 || (has_ids && o->broker);
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
        peer_close(&r->peer, r->code);
}

static void on_tick(uv_timer_t *timer)
{
    struct redrive *r = timer->data;
    if (r->peer.is_online && r->next < r->dead->count && r->under_way < UNDER_WAY_MAX)
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

static void on_online(void *user, struct peer *p)
{
    struct redrive *r = user;
    uint64_t interval_ms = 1000 / (r->dead->options->rate ? r->dead->options->rate : RATE_DEFAULT);
    (void)p;
    uv_timer_start(&r->timer, on_tick, 0, interval_ms ? interval_ms : 1);
}

/* What was not acknowledged may be with the broker all the same, and to redrive it once more sends it again.
 */
static void say_broken_off(struct redrive *r, const char *why)
{
    size_t left = r->under_way;
    if (left == 0)
        say(r, EX_UNAVAILABLE, "%s; what is not published stays", why);
    else
        say(r, EX_UNAVAILABLE,
            "%s; what is not published stays; %zu on the way and not acknowledged %s already", why, left,
            left == 1 ? "stays too, though the broker may have it"
                      : "stay too, though the broker may have them");
}

/* Not tried again: whoever redrives is there, and may do so. */
static void on_lost(void *user, const char *text)
{
    struct redrive *r = user;
    r->is_lost = true;
    say_broken_off(r, text);
    peer_close(&r->peer, r->code);
}

static void on_message(void *user, const struct mqtt_message *message)
{
    (void)user, (void)message; /* it has no subscription: nothing should come */
}

static void on_subscribed(void *user, struct peer *p, unsigned reason)
{
    (void)user, (void)p, (void)reason;
}

static void on_closing(void *user)
{
    struct redrive *r = user;
    uv_close((uv_handle_t *)&r->timer, NULL);
}

int dead_redrive(struct dead *d)
{
    static const struct peer_events events = {.online = on_online,
                                              .message = on_message,
                                              .published = on_published,
                                              .subscribed = on_subscribed,
                                              .lost = on_lost,
                                              .closing = on_closing};
    struct redrive r = {.dead = d};
    if (d->count == 0) {
        log_info("there is nothing to publish");
        return EX_OK;
    }
    int code = peer_open_with(&r.peer, &d->settings, "redrive", &events, &r);
    if (code != 0)
        return code;
    uv_timer_init(&r.peer.loop, &r.timer);
    r.timer.data = &r;
    (void)peer_run(&r.peer);
    if (!r.is_lost && (r.next < d->count || r.under_way > 0))
        say_broken_off(&r, "interrupted");
    if (r.gone && dead_store_sync(d->folder))
        say(&r, EX_SOFTWARE, "the dead letters' folder cannot be written");
    return r.code;
}
