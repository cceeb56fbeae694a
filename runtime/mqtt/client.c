#include "mqtt/client_internal.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECURITY_MAX = 128 };

/* ---- what the user is told ---- */

void client_set_why(struct mqtt_client *c, enum mqtt_cause cause, const char *format, ...)
{
    va_list arguments;
    c->cause = cause;
    va_start(arguments, format);
    vsnprintf(c->why, sizeof c->why, format, arguments);
    va_end(arguments);
}

void client_report(struct mqtt_client *c, enum mqtt_state state, bool resumed, enum mqtt_cause cause,
                   const char *text, uint64_t retry_ns)
{
    c->state = state;
    if (!c->closing)
        c->events.state(c->user, state, resumed, cause, text, retry_ns);
}

uint64_t client_done(const struct mqtt_client *c)
{
    struct mqtt_session_counts counts;
    mqtt_session_counts(c->session, &counts);
    return counts.answered + counts.acked;
}

static void on_online(void *user, bool resumed)
{
    struct mqtt_client *c = user;
    c->online_ns = clock_now_ns();
    c->done = client_done(c);
    client_report(c, MQTT_ONLINE, resumed, MQTT_CAUSE_NONE, "", 0);
}

/* A message that comes after mqtt_client_close stays unacknowledged: the broker keeps it for the next time.
 */
static void on_message(void *user, struct mqtt_message *message)
{
    struct mqtt_client *c = user;
    c->messages++;
    if (!c->closing)
        c->events.message(c->user, message);
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct mqtt_client *c = user;
    if (!c->closing)
        c->events.published(c->user, token, reason);
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    struct mqtt_client *c = user;
    if (!c->closing)
        c->events.subscribed(c->user, index, reason);
}

static void on_unsubscribed(void *user)
{
    (void)user; /* nobody waits for it */
}

static size_t on_send(void *user, struct buffer *out, struct slice bytes)
{
    return stream_send_in_place(user, out, bytes);
}

static const struct mqtt_session_events session_events = {.online = on_online,
                                                          .message = on_message,
                                                          .published = on_published,
                                                          .subscribed = on_subscribed,
                                                          .unsubscribed = on_unsubscribed,
                                                          .send = on_send};

/* ---- time ---- */

static uint64_t deadline(const struct mqtt_client *c)
{
    uint64_t due_ns = c->due_ns;
    if (c->phase == CLIENT_RESOLVING)
        due_ns = CLOCK_NEVER;
    else if (c->phase == CLIENT_OPEN)
        due_ns = mqtt_session_deadline(client_session(c));
    return due_ns < c->close_by_ns ? due_ns : c->close_by_ns;
}

static void on_due(struct mqtt_client *c, uint64_t now_ns)
{
    if (c->closing && now_ns >= c->close_by_ns)
        close_step(c);
    else if (c->phase == CLIENT_WAITING)
        connect_start(c);
    else if (c->phase == CLIENT_DIALLING)
        connect_address_late(c);
    else if (c->phase == CLIENT_SECURING)
        secure_late(c);
    else if (c->phase == CLIENT_UPGRADING)
        web_late(c);
    else if (c->phase == CLIENT_OPEN)
        stream_tick(c, now_ns);
    else if (c->phase == CLIENT_ENDING)
        stream_over(c);
}

static void on_timer(uv_timer_t *timer)
{
    struct mqtt_client *c = timer->data;
    uint64_t now_ns = clock_now_ns();
    c->armed_ns = CLOCK_NEVER;
    if (now_ns >= deadline(c))
        on_due(c, now_ns);
    client_arm_timer(c);
}

/* The deadline mostly moves away, with every packet; then the timer stays as it is, and finds out when it
 * fires. */
void client_arm_timer(struct mqtt_client *c)
{
    if (c->phase == CLIENT_GONE)
        return;
    uint64_t at_ns = deadline(c);
    if (at_ns >= c->armed_ns)
        return;
    uint64_t now_ns = clock_now_ns();
    uint64_t delay_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    c->armed_ns = at_ns;
    /* Never 0: libuv would call on_timer again in the same run of its timers, for ever if it is armed there.
     */
    uv_timer_start(&c->timer, on_timer, delay_ns / NS_PER_MS + 1, 0);
}

/* ---- the end of a loop turn, and of an attempt ---- */

void client_turn(struct mqtt_client *c)
{
    if (c->closing)
        close_step(c);
    if (c->phase == CLIENT_UPGRADING || c->phase == CLIENT_OPEN || c->phase == CLIENT_ENDING)
        stream_flush(c);
    client_arm_timer(c);
}

void client_attempt_over(struct mqtt_client *c)
{
    if (c->closing)
        close_after_attempt(c);
    else
        connect_back_off(c);
}

/* ---- create ---- */

static bool copy_string(const char **text)
{
    if (!*text)
        return true;
    *text = strdup(*text);
    return *text != NULL;
}

static uint64_t or_default(uint64_t value_ns, uint64_t default_ns)
{
    return value_ns ? value_ns : default_ns;
}

static struct client_timing timing_of(const struct mqtt_client_options *options)
{
    return (struct client_timing){
        .backoff_min_ns = or_default(options->backoff_min_ns, 250 * NS_PER_MS),
        .backoff_max_ns = or_default(options->backoff_max_ns, 30 * NS_PER_S),
        .refused_backoff_ns = or_default(options->refused_backoff_ns, 60 * NS_PER_S),
        .stable_ns = or_default(options->stable_ns, 10 * NS_PER_S),
        .address_timeout_ns = or_default(options->address_timeout_ns, 10 * NS_PER_S),
    };
}

/* All are copied even after a failure, so that close_free does not meet a borrowed one. */
static bool copy_strings(struct mqtt_client *c, const struct mqtt_url *broker)
{
    struct mqtt_session_options *session = &c->session_options;
    const char *host = broker->host, *target = broker->is_web ? broker->target : NULL;
    if (!session->username && broker->has_username)
        session->username = broker->username;
    if (!session->password && broker->has_password)
        session->password = broker->password;
    bool copied = copy_string(&session->client_id);
    copied &= copy_string(&session->username);
    copied &= copy_string(&session->password);
    copied &= copy_string(&session->will_topic);
    copied &= copy_string(&session->will_payload);
    copied &= copy_string(&host);
    copied &= copy_string(&target);
    c->host = (char *)host;
    c->target = (char *)target;
    return copied;
}

static char *describe_endpoint(const struct mqtt_client *c)
{
    bool bare = !strchr(c->host, ':');
    char *text;
    int length = asprintf(&text, "%s%s%s:%u", bare ? "" : "[", c->host, bare ? "" : "]", c->port);
    return length < 0 ? NULL : text;
}

static void copy_options(struct mqtt_client *c, const struct mqtt_client_options *options)
{
    c->timing = timing_of(options);
    c->port = options->broker.port;
    c->tls = options->tls ? tls_context_hold(options->tls) : NULL;
    c->random = options->random_seed;
    c->session_options = options->session;
}

struct mqtt_client *mqtt_client_create(struct mqtt_io *io, const struct mqtt_client_options *options,
                                       const struct mqtt_client_events *events, void *user)
{
    CHECK(options->broker.is_tls == (options->tls != NULL));
    struct mqtt_client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->io = io;
    c->events = *events;
    c->user = user;
    c->close_by_ns = c->armed_ns = CLOCK_NEVER;
    copy_options(c, options);
    if (copy_strings(c, &options->broker))
        c->endpoint = describe_endpoint(c);
    if (c->endpoint)
        c->session = mqtt_session_create(&c->session_options, &session_events, c);
    if (!c->session) {
        close_free(c);
        return NULL;
    }
    uv_timer_init(io->loop, &c->timer);
    c->timer.data = c;
    c->handles = 1;
    client_arm_timer(c); /* WAITING, due at 0: connects in the next turn */
    return c;
}

/* ---- the user's calls ---- */

static void mark_if_output(struct mqtt_client *c)
{
    if (!c->is_fed && buffer_length(mqtt_session_output(c->session)) > 0)
        io_mark(c);
}

int mqtt_client_subscribe(struct mqtt_client *c, const struct mqtt_filter *filters, size_t count,
                          const struct slice *known, size_t known_count)
{
    if (c->closing)
        return -ESHUTDOWN;
    int error = mqtt_session_subscribe(c->session, filters, count, known, known_count);
    c->has_spoken = true;
    mark_if_output(c);
    return error;
}

int mqtt_client_publish(struct mqtt_client *c, const struct mqtt_publish *publish, void *token)
{
    if (c->closing)
        return -ESHUTDOWN;
    int error = mqtt_session_publish(c->session, publish, token);
    c->has_spoken = true;
    mark_if_output(c);
    return error;
}

void mqtt_client_release(struct mqtt_client *c, struct mqtt_message *message)
{
    mqtt_session_release(c->session, message);
    mark_if_output(c);
}

void mqtt_client_counts(const struct mqtt_client *c, struct mqtt_session_counts *ret_counts)
{
    mqtt_session_counts(c->session, ret_counts);
}

enum mqtt_protocol mqtt_client_protocol(const struct mqtt_client *c)
{
    return mqtt_session_protocol(c->session);
}

enum mqtt_state mqtt_client_state(const struct mqtt_client *c)
{
    return c->closing ? MQTT_CLOSED : c->state;
}

enum mqtt_belief mqtt_client_belief(const struct mqtt_client *c)
{
    return mqtt_session_belief(c->session);
}

void mqtt_client_believe(struct mqtt_client *c, enum mqtt_belief belief)
{
    mqtt_session_believe(c->session, belief);
}

const char *mqtt_client_security(const struct mqtt_client *c, char *buffer, size_t size)
{
    char security[SECURITY_MAX] = "plain";
    if (c->link && c->link->tls)
        tls_describe(c->link->tls, security, sizeof security);
    snprintf(buffer, size, "%s%s", security, c->target ? ", WebSocket" : "");
    return buffer;
}
