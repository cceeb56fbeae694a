#include "mqtt/client_internal.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <stdlib.h>

enum { CLOSE_NS = NS_PER_S };

void close_free(struct mqtt_client *c)
{
    if (c->farewell)
        mqtt_session_destroy(c->farewell);
    if (c->session)
        mqtt_session_destroy(c->session);
    free((char *)c->session_options.client_id);
    free((char *)c->session_options.username);
    free((char *)c->session_options.password);
    free((char *)c->session_options.will_topic);
    free((char *)c->session_options.will_payload);
    tls_context_drop(c->tls);
    free(c->host);
    free(c->endpoint);
    free(c->target);
    free(c);
}

void close_handle_returned(struct mqtt_client *c)
{
    if (--c->handles > 0)
        return;
    c->events.closed(c->user);
    close_free(c);
}

static void on_timer_closed(uv_handle_t *timer)
{
    close_handle_returned(timer->data);
}

static void let_go(struct mqtt_client *c)
{
    io_unmark(c);
    connect_forget(c);
    stream_drop_link(c);
    buffer_finish(&c->partial);
    c->phase = CLIENT_GONE;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

void mqtt_client_close(struct mqtt_client *c, bool end_session)
{
    CHECK(!c->closing);
    c->closing = true;
    c->end_session = end_session;
    c->close_by_ns = clock_now_ns() + CLOSE_NS;
    io_mark(c);
}

/* Where the session is to be forgotten, an attempt that is under way goes on until its second is over. */
void close_step(struct mqtt_client *c)
{
    bool late = clock_now_ns() >= c->close_by_ns;
    if (c->phase == CLIENT_ENDING) {
        if (late)
            stream_over(c);
        return;
    }
    if (c->phase == CLIENT_OPEN && mqtt_session_state(client_session(c)) == MQTT_ONLINE && !late) {
        mqtt_session_disconnect(client_session(c), c->end_session);
        stream_end(c);
        return;
    }
    if (c->phase == CLIENT_WAITING || !c->end_session || late)
        let_go(c);
}

/* ---- 3.1.1: DISCONNECT leaves the session at the broker; a clean one with the same name replaces it ---- */

static void ignore_online(void *user, bool resumed)
{
    (void)user;
    (void)resumed;
}

static void ignore_message(void *user, struct mqtt_message *message)
{
    (void)user;
    (void)message; /* nothing is subscribed; if it comes all the same, it goes with the session */
}

static void ignore_answer(void *user, void *token, unsigned reason)
{
    (void)user;
    (void)token;
    (void)reason;
}

static void ignore_subscribed(void *user, size_t index, unsigned reason)
{
    (void)user;
    (void)index;
    (void)reason;
}

static void ignore_unsubscribed(void *user)
{
    (void)user;
}

static const struct mqtt_session_events ignored = {.online = ignore_online,
                                                   .message = ignore_message,
                                                   .published = ignore_answer,
                                                   .subscribed = ignore_subscribed,
                                                   .unsubscribed = ignore_unsubscribed};

static struct mqtt_session *create_farewell(const struct mqtt_client *c)
{
    struct mqtt_session_options options = c->session_options;
    options.protocol = MQTT_3_1_1;
    options.clean_start = true;
    options.will_topic = options.will_payload = NULL;
    return mqtt_session_create(&options, &ignored, NULL);
}

static bool farewell_is_due(const struct mqtt_client *c)
{
    return c->end_session && !c->farewell && !c->session_options.clean_start &&
           mqtt_session_state(c->session) == MQTT_CLOSED && mqtt_session_protocol(c->session) == MQTT_3_1_1;
}

void close_after_attempt(struct mqtt_client *c)
{
    bool due = farewell_is_due(c);
    if (due)
        c->farewell = create_farewell(c);
    if (!due || !c->farewell) {
        let_go(c);
        return;
    }
    c->close_by_ns = clock_now_ns() + CLOSE_NS;
    connect_to_peer(c);
}
