#include "dispatcher/presence.h"

#include "mqtt/packet.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ID_LEN = 2 * STATE_INSTANCE_LEN + 1, /* of the state folder, '.', of this process and the broker in it */
    PLACE_LEN = 4,
    TOPIC_LEN = 96,
    SETTLE_MS = 50,  /* brokers may send what is retained a moment after SUBACK */
    KNOCK_MS = 5000, /* for an answer over a slow line: four trips of it */
    GATE_MS = 3000,  /* nobody's start waits longer for a broker that says nothing */
    WATCHED = 2
};

#define STEADY_NS   (10 * NS_PER_S) /* online that long: the next loss is a first one */
#define AGAIN_MS    250
#define AGAIN_STEPS 7 /* doubling to 32 s */

static const char online[] = "online", offline[] = "offline";

enum phase {
    VISITING, /* is anybody there? */
    KNOCKING, /* somebody seems to be */
    OWNING,   /* the node's own connection is up, or on its way */
    WAITING,  /* for the next visit */
    RESTING,  /* nothing more: occupied, or the broker does not want it */
    CLOSING
};

struct presence {
    struct node *node;
    struct broker *broker;
    enum phase phase;
    char id[ID_LEN + 1];
    char status_topic[TOPIC_LEN], owner_topic[TOPIC_LEN], knock_topic[TOPIC_LEN];
    struct mqtt_client *client;
    bool client_closing;
    void (*then)(struct presence *p); /* when the client is closed; NULL: nothing */
    uv_timer_t timer, gate;
    bool settled;
    bool has_owned;   /* what is said of this very process counts; before, what is said of its folder does */
    bool seen_online; /* by this visit */
    char owner[ID_LEN + 1]; /* likewise; "" nobody, or nobody who can be named */
    unsigned answered;      /* of this visit's subscriptions */
    unsigned failures;
    bool said_refused;
    uint64_t online_ns;
    unsigned handles;
    void (*on_closed)(void *user);
    void *on_closed_user;
};

static void own(struct presence *p);
static void wait_then_visit(struct presence *p);

/* ---- small things ---- */

static bool is_text(struct slice payload, const char *text)
{
    return slice_equal(payload, slice_of(text));
}

static bool is_mine(const struct presence *p, const char *owner)
{
    return strncmp(owner, p->id, p->has_owned ? ID_LEN : STATE_INSTANCE_LEN) == 0;
}

static void say_settled(struct presence *p)
{
    if (p->settled || p->phase == CLOSING)
        return;
    p->settled = true;
    uv_timer_stop(&p->gate);
    p->node->presence_events->settled(p->node->presence_user);
}

/* The topic is one of p's own. */
static void tell(struct presence *p, const char *topic, const char *payload, bool retain)
{
    const struct mqtt_publish m = {
        .topic = slice_of(topic), .payload = slice_of(payload), .qos = 1, .retain = retain};
    if (mqtt_client_publish(p->client, &m, (void *)(uintptr_t)topic))
        log_debug("presence: no memory for %s", topic);
}

static void drop_client(struct presence *p, void (*then)(struct presence *p))
{
    p->then = then;
    uv_timer_stop(&p->timer);
    if (!p->client_closing)
        mqtt_client_close(p->client, true);
    p->client_closing = true;
}

static void rest(struct presence *p)
{
    p->phase = RESTING;
    drop_client(p, NULL);
}

/* ---- verdicts ---- */

static void admit(struct presence *p)
{
    p->phase = WAITING;
    drop_client(p, own);
    say_settled(p);
}

static void occupied(struct presence *p)
{
    char text[BROKER_URL_MAX + 256];
    snprintf(text, sizeof text,
             "another hark named '%s' is online at %s: give one of the two a --node of its own",
             p->node->name, p->broker->url_text);
    rest(p);
    uv_timer_stop(&p->gate);
    p->settled = true;
    p->node->presence_events->occupied(p->node->presence_user, text);
}

static void on_no_answer(uv_timer_t *timer)
{
    struct presence *p = timer->data;
    log_info("%s says that node %s is online, but nobody answers: taking its place", p->status_topic,
             p->node->name);
    admit(p);
}

/* This process has another name for this broker, and was quicker there. */
static bool is_sibling(const struct presence *p)
{
    return strncmp(p->owner, p->id, ID_LEN - PLACE_LEN) == 0 && strcmp(p->owner, p->id) != 0;
}

static void judge(uv_timer_t *timer)
{
    struct presence *p = timer->data;
    if (p->seen_online && is_sibling(p)) {
        rest(p);
        say_settled(p);
        return;
    }
    if (!p->seen_online || !p->owner[0] || is_mine(p, p->owner)) {
        admit(p);
        return;
    }
    p->phase = KNOCKING;
    tell(p, p->knock_topic, p->id, false);
    uv_timer_start(&p->timer, on_no_answer, KNOCK_MS, 0);
}

/* ---- what the broker says ---- */

static void lose(struct presence *p)
{
    if (p->online_ns && clock_now_ns() >= p->online_ns + STEADY_NS)
        p->failures = 0;
    p->phase = WAITING;
    drop_client(p, wait_then_visit);
}

static void on_visit_state(struct presence *p, enum mqtt_state state)
{
    p->phase = VISITING;
    p->answered = 0;
    p->seen_online = false;
    p->owner[0] = '\0';
    if (state != MQTT_OFFLINE)
        return;
    uv_timer_stop(&p->timer);
    say_settled(p);
}

/* Such as a broker that does not allow the will. */
static void say_refused(struct presence *p, const char *text)
{
    if (!p->said_refused)
        log_warn("presence of node %s: %s; functions run, but nobody sees whether it is online",
                 p->node->name, text);
    p->said_refused = true;
    p->failures = AGAIN_STEPS;
}

static void on_own_state(struct presence *p, enum mqtt_state state, enum mqtt_cause cause, const char *text)
{
    if (state == MQTT_ONLINE) {
        p->online_ns = clock_now_ns();
        p->has_owned = true;
        tell(p, p->owner_topic, p->id, true);
        tell(p, p->status_topic, online, true);
    } else if (state == MQTT_OFFLINE) {
        if (cause == MQTT_CAUSE_REFUSED)
            say_refused(p, text);
        lose(p);
    }
}

static void on_state(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause, const char *text,
                     uint64_t retry_ns)
{
    struct presence *p = user;
    (void)resumed, (void)retry_ns;
    char security[128];
    if (state == MQTT_OFFLINE)
        log_debug("presence: %s", text);
    else if (state == MQTT_ONLINE)
        log_debug("presence: online, %s", mqtt_client_security(p->client, security, sizeof security));
    broker_learn(p->broker, p->client);
    if (cause == MQTT_CAUSE_VERSION)
        return; /* the next one follows at once */
    if (p->phase == OWNING)
        on_own_state(p, state, cause, text);
    else
        on_visit_state(p, state);
}

static void hear_owner(struct presence *p, const struct mqtt_message *m)
{
    bool sane = m->payload.len == ID_LEN;
    snprintf(p->owner, sizeof p->owner, "%.*s", sane ? ID_LEN : 0, sane ? m->payload.data : "");
    bool is_other = sane && !m->retained && !is_mine(p, p->owner);
    if (p->phase == KNOCKING && is_other)
        occupied(p);
    else if (p->phase == OWNING && is_other)
        lose(p); /* somebody took the name: a visit will tell */
}

static void hear_status(struct presence *p, const struct mqtt_message *m)
{
    p->seen_online = is_text(m->payload, online);
    if (p->phase == KNOCKING && !p->seen_online)
        admit(p);
}

static void on_message(void *user, struct mqtt_message *m)
{
    struct presence *p = user;
    if (is_text(m->topic, p->owner_topic))
        hear_owner(p, m);
    else if (is_text(m->topic, p->status_topic))
        hear_status(p, m);
    else if (is_text(m->topic, p->knock_topic) && p->phase == OWNING)
        tell(p, p->owner_topic, p->id, true);
    mqtt_client_release(p->client, m);
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    struct presence *p = user;
    if (reason >= 0x80)
        log_warn(
            "the broker does not let hark read %s: %s (0x%02x); another hark of this name may go unnoticed",
            index == 0           ? p->owner_topic
            : p->phase == OWNING ? p->knock_topic
                                 : p->status_topic,
            packet_reason_name((uint8_t)reason), reason);
    if (p->phase == VISITING && ++p->answered == WATCHED)
        uv_timer_start(&p->timer, judge, SETTLE_MS, 0);
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct presence *p = user;
    if (reason < 0x80 || p->phase != OWNING)
        return;
    log_warn(
        "the broker does not take %s: %s (0x%02x); functions run, but nobody sees whether node %s is online, "
        "nor whether it is there twice",
        (const char *)token, reason < 0x100 ? packet_reason_name((uint8_t)reason) : "it is retained", reason,
        p->node->name);
    say_settled(p);
    rest(p);
}

/* ---- connections ---- */

static void on_client_closed(void *user)
{
    struct presence *p = user;
    void (*then)(struct presence *) = p->then;
    p->client = NULL;
    p->client_closing = false;
    p->then = NULL;
    if (then)
        then(p);
}

/* Out of memory, in the middle of life: others may give some back. */
static void put_off(struct presence *p)
{
    log_error("presence of node %s: out of memory; functions run, and it is tried again soon", p->node->name);
    p->phase = WAITING;
    if (p->client)
        drop_client(p, wait_then_visit);
    else
        wait_then_visit(p);
}

/* Watches the owner and another topic. */
static void connect_as(struct presence *p, const char *id, const char *will, const char *other)
{
    static const struct mqtt_client_events events = {.state = on_state,
                                                     .message = on_message,
                                                     .published = on_published,
                                                     .subscribed = on_subscribed,
                                                     .closed = on_client_closed};
    struct node *node = p->node;
    struct mqtt_client_options options = {.session = {.client_id = id,
                                                      .will_topic = will,
                                                      .will_payload = will ? offline : NULL,
                                                      .clean_start = true,
                                                      .receive_maximum = 16,
                                                      .packet_max_bytes = 1 << 20},
                                          .random_seed = node_random(node)};
    broker_fill(p->broker, &options);
    const struct mqtt_filter filters[WATCHED] = {
        {.filter = slice_of(p->owner_topic), .qos = 1, .want_retained = !will},
        {.filter = slice_of(other), .qos = 1, .want_retained = !will},
    };
    p->online_ns = 0;
    p->client = mqtt_client_create(node->mqtt_io, &options, &events, p);
    if (p->client)
        broker_teach(p->broker, p->client, false);
    if (!p->client || mqtt_client_subscribe(p->client, filters, WATCHED, NULL, 0) < 0)
        put_off(p);
}

/* No function's name has a '_'. */
static void visit(struct presence *p)
{
    char id[128];
    snprintf(id, sizeof id, "hark/%s/_visit-%s", p->node->name, p->id + STATE_INSTANCE_LEN + 1);
    p->phase = VISITING;
    p->answered = 0;
    connect_as(p, id, NULL, p->status_topic);
}

static void own(struct presence *p)
{
    char id[128];
    snprintf(id, sizeof id, "hark/%s", p->node->name);
    p->phase = OWNING;
    connect_as(p, id, p->status_topic, p->knock_topic);
}

static void on_again(uv_timer_t *timer)
{
    visit(timer->data);
}

static void wait_then_visit(struct presence *p)
{
    unsigned steps = p->failures < AGAIN_STEPS ? p->failures : AGAIN_STEPS;
    p->failures++;
    uv_timer_start(&p->timer, on_again, (uint64_t)AGAIN_MS << steps, 0);
}

/* ---- life ---- */

static void take_names(struct presence *p)
{
    char instance[STATE_INSTANCE_LEN + 1], line[DIAG_FORMATTED_MAX];
    struct diag diag;
    if (state_instance(p->node->state, instance, &diag))
        log_warn("%s", diag_format(&diag, line, sizeof line));
    unsigned place = 0;
    while (p->node->brokers[place] != p->broker)
        place++;
    snprintf(p->id, sizeof p->id, "%s.%012llx%04x", instance,
             (unsigned long long)p->node->process & 0xffffffffffff, place);
    snprintf(p->status_topic, TOPIC_LEN, "hark/%s/status", p->node->name);
    snprintf(p->owner_topic, TOPIC_LEN, "hark/%s/owner", p->node->name);
    snprintf(p->knock_topic, TOPIC_LEN, "hark/%s/knock", p->node->name);
}

/* A knock that waits for its answer has an end of its own. */
static void on_gate(uv_timer_t *timer)
{
    struct presence *p = timer->data;
    if (p->phase != KNOCKING)
        say_settled(p);
}

void presence_want(struct node *node, struct broker *broker)
{
    if (broker->presence || !node->presence_events)
        return;
    struct presence *p = malloc(sizeof *p);
    if (!p) {
        log_error(
            "presence of node %s at %s: out of memory; functions run, but nobody sees whether it is there",
            node->name, broker->url_text);
        return;
    }
    *p = (struct presence){.node = node, .broker = broker};
    broker->presence = p;
    take_names(p);
    uv_timer_init(node->loop, &p->timer);
    uv_timer_init(node->loop, &p->gate);
    p->timer.data = p->gate.data = p;
    uv_timer_start(&p->gate, on_gate, GATE_MS, 0);
    visit(p);
}

static void free_when_closed(uv_handle_t *handle)
{
    struct presence *p = handle->data;
    if (--p->handles)
        return;
    p->broker->presence = NULL;
    p->on_closed(p->on_closed_user);
    free(p);
}

static void close_handles(struct presence *p)
{
    p->handles = 2;
    uv_close((uv_handle_t *)&p->timer, free_when_closed);
    uv_close((uv_handle_t *)&p->gate, free_when_closed);
}

void presence_close(struct broker *broker, void (*on_closed)(void *user), void *user)
{
    struct presence *p = broker->presence;
    if (!p) {
        on_closed(user);
        return;
    }
    p->on_closed = on_closed;
    p->on_closed_user = user;
    if (p->phase == OWNING && !p->client_closing && p->online_ns)
        tell(p, p->status_topic, offline, true); /* leaves before DISCONNECT */
    p->phase = CLOSING;
    uv_timer_stop(&p->timer);
    if (p->client)
        drop_client(p, close_handles);
    else
        close_handles(p);
}
