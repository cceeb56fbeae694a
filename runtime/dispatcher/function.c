#include "dispatcher/function_internal.h"

#include "dispatcher/presence.h"
#include "dispatcher/stage.h"
#include "manifest/node_config.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Told to the broker, which drops what is larger without a word (MQTT-3.1.2-25): more than any
 * limits.payload, so that a message over the limit becomes a dead letter instead. */
enum { INBOUND_PACKET_MAX = 32 << 20 };

/* A connection that lasted this long did its work: when it is cut, the next one comes at once. Longer, and a
 * network that fails every second keeps hark away for half a minute each time. */
#define STABLE_NS (NS_PER_S / 2)

/* After a connection came up, what waited for it was sent, or has expired. */
#define SENT_BY_NS (NS_PER_S / 10)

#define EMPTY_AFTER_NS                                                                                       \
    (3 * NS_PER_S) /* of silence, a broker has nothing more for a function that leaves it */
#define LEAVE_BROKER_NS (36500ull * 24 * 3600 * NS_PER_S) /* without end */

/* xorshift64* (Vigna, 2014): jitter and seeds, nothing secret. */
uint64_t node_random(struct node *node)
{
    node->random ^= node->random >> 12;
    node->random ^= node->random << 25;
    node->random ^= node->random >> 27;
    return node->random * 0x2545f4914f6cdd1dull;
}

/* ---- time ---- */

/* Memory that is short may come back. */
static void subscribe(struct function *f)
{
    int error = function_subscribe(f);
    f->subscribe_at_ns = error ? clock_now_ns() + NS_PER_S : 0;
    if (!error)
        return;
    function_log(f, LOG_ERROR, "cannot subscribe: %s; it is tried again in a second", strerror(-error));
    function_arm(f, f->subscribe_at_ns);
}

static void subscribe_if_due(struct function *f, uint64_t now_ns)
{
    if (!f->subscribe_at_ns || f->phase != FUNCTION_SERVING)
        return;
    if (now_ns >= f->subscribe_at_ns)
        subscribe(f);
    else
        function_arm(f, f->subscribe_at_ns);
}

static void on_timer(uv_timer_t *timer)
{
    struct function *f = timer->data;
    uint64_t now_ns = clock_now_ns();
    f->timer_at_ns = CLOCK_NEVER;
    queue_wake(&f->queue, now_ns);
    if (f->active)
        function_arm(f, pool_rest(f->active, now_ns));
    function_say_dropped(f);
    function_say_expired(f);
    function_say_looped(f);
    if (f->phase < FUNCTION_CLOSING)
        dead_letter_retry(f, now_ns);
    function_remember_again(f, now_ns);
    timers_run(f);
    subscribe_if_due(f, now_ns);
    function_pump(f);
    function_check_end(f);
}

void function_arm(struct function *f, uint64_t at_ns)
{
    if (at_ns >= f->timer_at_ns || f->timer_closed)
        return;
    uint64_t now_ns = clock_now_ns();
    f->timer_at_ns = at_ns;
    uv_timer_start(&f->timer, on_timer, at_ns > now_ns ? (at_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0, 0);
}

bool function_may_say(struct function *f, uint64_t *said_ns)
{
    uint64_t now_ns = clock_now_ns();
    if (*said_ns && now_ns < *said_ns + NS_PER_S) {
        function_arm(f, *said_ns + NS_PER_S);
        return false;
    }
    *said_ns = now_ns;
    return true;
}

/* ---- the broker ---- */

void function_heard(struct function *f)
{
    if (!f->leaves_broker)
        return;
    f->heard_ns = clock_now_ns();
    function_arm(f, f->heard_ns + EMPTY_AFTER_NS);
}

static void on_state(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause, const char *text,
                     uint64_t retry_ns)
{
    struct function *f = user;
    char security[128];
    (void)cause;
    broker_learn(f->broker, f->client);
    if (state == MQTT_ONLINE) {
        broker_say_online(f->broker);
        function_heard(f);
        if (f->may_expire)
            function_arm(f, clock_now_ns() + SENT_BY_NS);
        function_log(f, LOG_DEBUG, "online, session %s, %s", resumed ? "resumed" : "new",
                     mqtt_client_security(f->client, security, sizeof security));
    } else if (state == MQTT_OFFLINE && f->phase < FUNCTION_CLOSING) {
        broker_say_offline(f->broker, text, retry_ns);
    }
}

static void on_client_closed(void *user)
{
    struct function *f = user;
    f->clients--;
    function_check_end(f);
}

static struct mqtt_client *create_client(struct function *f, const struct manifest *m)
{
    static const struct mqtt_client_events events = {.state = on_state,
                                                     .message = function_on_message,
                                                     .published = function_on_published,
                                                     .subscribed = function_on_subscribed,
                                                     .closed = on_client_closed};
    char id[256];
    snprintf(id, sizeof id, "hark/%s/%s", f->node->name, f->name);
    struct mqtt_client_options options = {.session = {.client_id = id,
                                                      .session_expiry_s = m->session_expiry_s,
                                                      .receive_maximum = (uint16_t)m->limit_queue,
                                                      .packet_max_bytes = INBOUND_PACKET_MAX,
                                                      .adopt = true,
                                                      .offline_qos0_max = m->limit_queue,
                                                      .slabs = f->node->slabs},
                                          .stable_ns = STABLE_NS,
                                          .random_seed = node_random(f->node)};
    broker_fill(f->broker, &options);
    struct mqtt_client *client = mqtt_client_create(f->node->mqtt_io, &options, &events, f);
    f->clients += client != NULL;
    return client;
}

/* ---- life ---- */

/* Each broker has a record of its own: a function that moves has a session at both for a while. */
char *function_record_name(const char *function, const struct broker *broker)
{
    char *name;
    bool is_default = strcmp(broker->name, NODE_DEFAULT_BROKER) == 0;
    int len = is_default ? asprintf(&name, "%s", function) : asprintf(&name, "%s@%s", function, broker->name);
    return len < 0 ? NULL : name;
}

bool function_has_record(const struct node *node, const char *function, const struct broker *broker)
{
    struct session_record record;
    struct diag diag;
    char *name = function_record_name(function, broker);
    bool found = name && state_read(node->state, name, &record, &diag) == 0;
    free(name);
    if (!found)
        return false;
    bool is_of_broker = strcmp(record.broker, broker->url_text) == 0;
    session_record_finish(&record);
    return is_of_broker;
}

static void destroy(struct function *f)
{
    free(f->name);
    free(f->record);
    free(f);
}

static struct function *allocate(struct node *node, struct broker *broker, const char *name)
{
    struct function *f = calloc(1, sizeof *f);
    if (!f || !(f->name = strdup(name)) || !(f->record = function_record_name(name, broker))) {
        free(f ? f->name : NULL);
        free(f);
        return NULL;
    }
    f->node = node;
    f->broker = broker;
    f->broker_speaks_5 = broker->belief == MQTT_SPEAKS_5;
    f->timer_at_ns = CLOCK_NEVER;
    f->deadline_ns = CLOCK_NEVER;
    queue_init(&f->queue, node_random(node), node->slabs);
    TAILQ_INIT(&f->pools);
    TAILQ_INIT(&f->invocations);
    TAILQ_INIT(&f->unburied);
    return f;
}

struct function *function_create(struct node *node, struct broker *broker, struct revision *revision,
                                 struct worker *probe, const struct function_events *events, void *user)
{
    struct function *f = allocate(node, broker, revision->manifest->function);
    if (!f)
        return NULL;
    f->events = events;
    f->user = user;
    presence_want(node, broker);
    f->active = pool_create(f, revision);
    f->client = f->active ? create_client(f, revision->manifest) : NULL;
    if (!f->client) {
        if (f->active)
            pool_discard(f->active);
        destroy(f);
        return NULL;
    }
    if (probe)
        pool_adopt(f->active, probe);
    uv_timer_init(node->loop, &f->timer);
    f->timer.data = f;
    subscribe(f);
    timers_set(f);
    pool_fill(f->active);
    function_arm(f, clock_now_ns() + revision->manifest->instances_idle_ns);
    return f;
}

static void say_what_waits_for_restart(struct function *f, const struct manifest *old,
                                       const struct manifest *fresh)
{
    if (old->session_expiry_s != fresh->session_expiry_s || old->limit_queue != fresh->limit_queue)
        function_log(
            f, LOG_INFO, "%s",
            "session.expiry and limits.queue are told to the broker at the next start of hark or deploy "
            "under a new name");
}

static bool same_order(const struct manifest *a, const struct manifest *b)
{
    return a->order == b->order &&
           (a->order != ORDER_CAPTURE || strcmp(a->order_capture, b->order_capture) == 0);
}

int function_swap(struct function *f, struct revision *revision, struct worker *probe)
{
    struct pool *old = f->active;
    struct pool *fresh = pool_create(f, revision);
    if (!fresh)
        return -ENOMEM;
    if (probe)
        pool_adopt(fresh, probe);
    f->active = fresh;
    say_what_waits_for_restart(f, old->revision->manifest, revision->manifest);
    f->rekey |= !same_order(old->revision->manifest, revision->manifest);
    subscribe(f);
    timers_set(f);
    pool_drain(old);
    function_arm(f, clock_now_ns() + revision->manifest->instances_idle_ns);
    function_pump(f);
    return 0;
}

void function_leave(struct function *f, uint64_t grace_ns)
{
    if (f->phase != FUNCTION_SERVING)
        return;
    f->phase = FUNCTION_LEAVING;
    f->deadline_ns = clock_now_ns() + grace_ns;
    function_unsubscribe_all(f);
    function_arm(f, f->deadline_ns);
    function_arm(f, 0);
}

void function_leave_broker(struct function *f)
{
    f->leaves_broker = true;
    f->heard_ns = clock_now_ns();
    function_leave(f, LEAVE_BROKER_NS);
}

/* What is younger than all that was begun stays with the broker. The rest is finished: acknowledgements leave
 * in the order of arrival, and without it what is done could not be acknowledged, and would run again. */
static void drop_unbegun(struct function *f)
{
    struct invocation *inv, *next;
    for (inv = TAILQ_FIRST(&f->invocations); inv; inv = next) {
        next = TAILQ_NEXT(inv, house_link);
        if (queue_drop_unbegun(&f->queue, &inv->item))
            invocation_destroy(inv);
    }
}

void function_drain(struct function *f, uint64_t grace_ns)
{
    if (f->phase == FUNCTION_CLOSING)
        return;
    if (f->phase == FUNCTION_SERVING || f->leaves_broker) {
        f->phase = FUNCTION_DRAINING;
        f->leaves_broker = false;
        drop_unbegun(f);
    }
    f->deadline_ns = clock_now_ns() + grace_ns;
    function_arm(f, f->deadline_ns);
    function_arm(f, 0);
}

/* ---- the end ---- */

static void forget_session(struct function *f)
{
    struct diag diag;
    char line[DIAG_FORMATTED_MAX];
    if (mqtt_client_state(f->client) != MQTT_ONLINE) {
        /* Kept, so that a function of this name unsubscribes from what is left, should it come back. */
        function_log(f, LOG_WARN, "%s",
                     "the broker is away: its session stays there until session.expiry, and queues on");
        return;
    }
    if (state_remove(f->node->state, f->record, &diag))
        function_log(f, LOG_WARN, "%s", diag_format(&diag, line, sizeof line));
}

static void close_everything(struct function *f, bool end_session)
{
    struct pool *pool, *next;
    f->phase = FUNCTION_CLOSING;
    function_pump(f); /* of which nothing is left to do: it is not the node's to be pumped any more */
    for (pool = TAILQ_FIRST(&f->pools); pool; pool = next) {
        next = TAILQ_NEXT(pool, link);
        if (queue_in_flight(&f->queue))
            pool_kill(pool);
        else
            pool_drain(pool);
    }
    if (end_session)
        forget_session(f);
    mqtt_client_close(f->client, end_session);
    if (f->exact)
        mqtt_client_close(f->exact, true);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct function *f = handle->data;
    queue_finish(&f->queue);
    timers_finish(f);
    function_free_subscriptions(f);
    f->events->gone(f->user, f);
    free(f->loop);
    destroy(f);
}

/* What was not finished: its messages went with the session object, and are the broker's again. */
static void drop_unfinished(struct function *f)
{
    struct invocation *inv;
    while (queue_drop_any(&f->queue)) {
    }
    while ((inv = TAILQ_FIRST(&f->invocations)))
        invocation_destroy(inv);
}

static void free_when_closed(struct function *f)
{
    if (f->clients || !TAILQ_EMPTY(&f->pools) || f->timer_closed)
        return;
    drop_unfinished(f);
    f->timer_closed = true;
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}

static void say_unfinished(const struct function *f)
{
    bool stays = f->phase == FUNCTION_DRAINING;
    if (f->house > f->ticks)
        function_log(f, LOG_WARN, "%u messages were not finished in time%s", f->house - f->ticks,
                     stays ? "; they stay with the broker" : "");
    if (f->ticks)
        function_log(f, LOG_WARN, "%u ticks of its timers were not finished in time", f->ticks);
}

/* What is to be tried again only behind the deadline is not waited for. */
static bool is_drained(const struct function *f)
{
    bool waits = f->queue.waiting && (queue_has_ready(&f->queue) || queue_due(&f->queue) < f->deadline_ns);
    return queue_in_flight(&f->queue) == 0 && f->releasing == 0 && !waits;
}

/* A broker sends what it has queued as fast as it is acknowledged, and MQTT has no word for "that was all":
 * silence has to do. */
static bool has_emptied_broker(struct function *f, uint64_t now_ns)
{
    if (mqtt_client_state(f->client) != MQTT_ONLINE)
        return false; /* on_state comes back here */
    if (now_ns >= f->heard_ns + EMPTY_AFTER_NS)
        return true;
    function_arm(f, f->heard_ns + EMPTY_AFTER_NS);
    return false;
}

void function_check_end(struct function *f)
{
    bool leaving = f->phase == FUNCTION_LEAVING, draining = f->phase == FUNCTION_DRAINING;
    if (f->phase == FUNCTION_CLOSING)
        free_when_closed(f);
    if (!leaving && !draining)
        return;
    uint64_t now_ns = clock_now_ns();
    bool idle = leaving ? f->house == 0 : is_drained(f);
    bool late = now_ns >= f->deadline_ns;
    if (idle && !late && f->leaves_broker && !has_emptied_broker(f, now_ns))
        return;
    if (!idle && !late) {
        function_arm(f, f->deadline_ns);
        return;
    }
    if (!idle)
        say_unfinished(f);
    close_everything(f, leaving);
}

const char *function_name(const struct function *f)
{
    return f->name;
}

struct broker *function_broker(const struct function *f)
{
    return f->broker;
}

const struct revision *function_revision(const struct function *f)
{
    return f->active ? f->active->revision : NULL;
}

bool function_is_settled(const struct function *f)
{
    return f->settled;
}

bool function_is_refused(const struct function *f)
{
    for (size_t i = 0; i < f->subscription_count; i++) {
        if (f->subscriptions[i].refused)
            return true;
    }
    return false;
}

bool function_leaves_broker(const struct function *f)
{
    return f->leaves_broker;
}

bool function_is_ending(const struct function *f)
{
    return f->phase != FUNCTION_SERVING;
}

void *function_user(const struct function *f)
{
    return f->user;
}

void function_set_user(struct function *f, void *user)
{
    f->user = user;
}
