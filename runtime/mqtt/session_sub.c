/* session_sub.c: the filters wanted and the filters left. One SUBSCRIBE or UNSUBSCRIBE a filter: each filter
 * has its own subscription identifier, a packet has room for one, and a small Maximum Packet Size does no
 * harm. */
#include "mqtt/session_internal.h"

#include <errno.h>
#include <stdlib.h>

static struct subscription *sub_create(const struct mqtt_filter *filter, size_t index)
{
    struct subscription *sub = malloc(sizeof *sub + filter->filter.len);
    if (!sub)
        return NULL;
    *sub = (struct subscription){.filter = *filter, .index = index, .node.kind = REQUEST_SUBSCRIBE};
    memcpy(sub + 1, filter->filter.data, filter->filter.len);
    sub->filter.filter.data = (char *)(sub + 1);
    return sub;
}

static struct subscription *find(const struct subscription_list *list, struct slice filter)
{
    struct subscription *sub;
    TAILQ_FOREACH (sub, list, link)
        if (session_same_bytes(sub->filter.filter, filter))
            return sub;
    return NULL;
}

static void drop(struct mqtt_session *s, struct subscription_list *list, struct subscription *sub)
{
    TAILQ_REMOVE(list, sub, link);
    id_map_remove(&s->outbound_ids, &sub->node);
    free(sub);
}

static void drop_all(struct mqtt_session *s, struct subscription_list *list)
{
    struct subscription *sub;
    while ((sub = TAILQ_FIRST(list)))
        drop(s, list, sub);
}

/* Nobody waits for its answer any more, but its packet id stays in use until it comes. */
static void abandon(struct mqtt_session *s, struct subscription_list *list, struct subscription *sub)
{
    if (!sub->node.id) {
        drop(s, list, sub);
        return;
    }
    TAILQ_REMOVE(list, sub, link);
    TAILQ_INSERT_TAIL(&s->replaced, sub, link);
    sub->abandoned = true;
}

/* ---- sending ---- */

static void report_later(struct subscription *sub, unsigned reason)
{
    sub->state = reason < PACKET_UNSPECIFIED_ERROR ? SUB_GRANTED : SUB_REFUSED;
    sub->reason = reason;
    sub->report = true;
}

static bool is_shared(struct slice filter)
{
    static const char prefix[] = "$share/";
    return filter.len > sizeof prefix - 1 && memcmp(filter.data, prefix, sizeof prefix - 1) == 0;
}

static bool has_wildcard(struct slice filter)
{
    return memchr(filter.data, '+', filter.len) || memchr(filter.data, '#', filter.len);
}

/* What CONNACK ruled out must not be asked for (MQTT-3.2.2.3.11 to .13). 0: it may be sent. */
static unsigned unaskable(const struct mqtt_session *s, struct slice filter)
{
    if (!s->limits.shared && is_shared(filter))
        return 0x9e; /* shared subscriptions not supported */
    if (!s->limits.wildcard && has_wildcard(filter))
        return 0xa2; /* wildcard subscriptions not supported */
    return 0;
}

/* The packet just written is too long for the server: takes it back. */
static bool take_back(struct mqtt_session *s, struct subscription *sub, size_t length_before)
{
    session_sent(s);
    if (buffer_length(&s->out) - length_before <= s->limits.packet_max_bytes)
        return false;
    buffer_truncate(&s->out, length_before);
    id_map_remove(&s->outbound_ids, &sub->node);
    return true;
}

static void ask(struct mqtt_session *s, struct subscription *sub)
{
    struct packet_subscription wanted = {
        .filter = sub->filter.filter,
        .qos = sub->filter.qos,
        .retain_handling = sub->filter.want_retained ? 1 : 2,
    };
    unsigned why = unaskable(s, wanted.filter);
    if (why) {
        report_later(sub, why);
        return;
    }
    if (session_take_id(s, &sub->node) < 0)
        return; /* asked again on the next connection */
    size_t before = buffer_length(&s->out);
    packet_write_subscribe(&s->out, s->protocol, sub->node.id, &wanted, 1,
                           s->limits.subscription_ids ? sub->filter.subscription_id : 0);
    if (take_back(s, sub, before)) {
        report_later(sub, MQTT_UNSENDABLE_SIZE);
        return;
    }
    sub->state = SUB_ASKED;
    sub->asked_once = true;
}

static void ask_wanted(struct mqtt_session *s)
{
    struct subscription *sub;
    TAILQ_FOREACH (sub, &s->wanted, link) {
        if (sub->state != SUB_WANTED)
            continue;
        if (sub->known && s->resumed && s->protocol != MQTT_5)
            report_later(sub, sub->filter.qos); /* asking again would bring its retained messages again */
        else
            ask(s, sub);
    }
}

static void ask_leaving(struct mqtt_session *s)
{
    struct subscription *sub, *next;
    for (sub = TAILQ_FIRST(&s->leaving); sub; sub = next) {
        next = TAILQ_NEXT(sub, link);
        if (sub->node.id || session_take_id(s, &sub->node) < 0)
            continue;
        size_t before = buffer_length(&s->out);
        packet_write_unsubscribe(&s->out, s->protocol, sub->node.id, &sub->filter.filter, 1);
        if (take_back(s, sub, before))
            drop(s, &s->leaving, sub);
    }
}

/* The new filters first: a message that comes between the two packets is matched by one of them at least. */
static void ask_all(struct mqtt_session *s)
{
    ask_wanted(s);
    ask_leaving(s);
}

/* ---- what the user asks for ---- */

static int leave_filter(struct mqtt_session *s, struct slice filter)
{
    struct subscription *sub = find(&s->leaving, filter);
    if (sub && !sub->node.id)
        return 0;
    sub = sub_create(&(struct mqtt_filter){.filter = filter}, 0);
    if (!sub)
        return -ENOMEM;
    sub->node.kind = REQUEST_UNSUBSCRIBE;
    TAILQ_INSERT_TAIL(&s->leaving, sub, link);
    s->leaving_report = true;
    return 0;
}

static int leave_old(struct mqtt_session *s, struct subscription_list *old)
{
    struct subscription *sub;
    int error = 0;
    while ((sub = TAILQ_FIRST(old))) {
        if ((sub->known || sub->asked_once) && leave_filter(s, sub->filter.filter) < 0)
            error = -ENOMEM;
        abandon(s, old, sub);
    }
    return error;
}

/* MQTT 3.1.1 has no identifiers, and asking again would bring what is retained again. */
static bool same_wish(const struct mqtt_session *s, const struct mqtt_filter *a, const struct mqtt_filter *b)
{
    return a->qos == b->qos && a->want_retained == b->want_retained &&
           (s->protocol == MQTT_3_1_1 || a->subscription_id == b->subscription_id);
}

/* An unchanged filter stays what it is; a changed one is asked for anew, which replaces it at the broker. */
static void settle(struct mqtt_session *s, struct subscription_list *old, struct subscription *fresh)
{
    struct subscription *before = find(old, fresh->filter.filter);
    struct subscription *left = find(&s->leaving, fresh->filter.filter);
    bool is_leaving = left != NULL;
    if (left && !left->node.id)
        drop(s, &s->leaving, left);
    if (before && same_wish(s, &before->filter, &fresh->filter)) {
        TAILQ_REMOVE(old, before, link);
        before->index = fresh->index;
        before->filter.subscription_id = fresh->filter.subscription_id;
        TAILQ_INSERT_TAIL(&s->wanted, before, link);
        free(fresh);
        return;
    }
    if (before) {
        fresh->asked_once = before->asked_once || before->known;
        abandon(s, old, before);
    }
    fresh->asked_once |= is_leaving;
    TAILQ_INSERT_TAIL(&s->wanted, fresh, link);
}

static int create_all(const struct mqtt_filter *filters, size_t count, struct subscription **ret_subs)
{
    for (size_t i = 0; i < count; i++) {
        ret_subs[i] = sub_create(&filters[i], i);
        if (ret_subs[i])
            continue;
        while (i--)
            free(ret_subs[i]);
        return -ENOMEM;
    }
    return 0;
}

static int take_known(struct mqtt_session *s, const struct slice *known, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        struct subscription *sub = find(&s->wanted, known[i]);
        if (sub)
            sub->known = true;
        else if (leave_filter(s, known[i]) < 0)
            error = -ENOMEM;
    }
    return error;
}

int mqtt_session_subscribe(struct mqtt_session *s, const struct mqtt_filter *filters, size_t count,
                           const struct slice *known, size_t known_count)
{
    struct subscription *fresh[MQTT_FILTERS_MAX];
    struct subscription_list old = TAILQ_HEAD_INITIALIZER(old);
    if (count > MQTT_FILTERS_MAX)
        return -EINVAL;
    if (create_all(filters, count, fresh) < 0)
        return -ENOMEM;
    TAILQ_CONCAT(&old, &s->wanted, link);
    for (size_t i = 0; i < count; i++)
        settle(s, &old, fresh[i]);
    int left = leave_old(s, &old);
    int taken = take_known(s, known, known_count);
    if (session_online(s))
        ask_all(s);
    return left < 0 ? left : taken;
}

/* ---- what the broker answers ---- */

static struct subscription *asked(struct mqtt_session *s, uint16_t id)
{
    _Static_assert(offsetof(struct subscription, node) == 0, "id_node comes first");
    struct id_node *node = id_map_find(&s->outbound_ids, id);
    return node && node->kind != REQUEST_PUBLISH ? (struct subscription *)node : NULL;
}

static int wrong_answer(struct mqtt_session *s, const char *name, const struct packet_suback *ack)
{
    return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR,
                        "%s: packet id %u with %zu reason codes does not fit what was asked", name, ack->id,
                        ack->reasons.len);
}

int session_on_suback(struct mqtt_session *s, const struct packet_suback *ack)
{
    struct subscription *sub = asked(s, ack->id);
    if (!sub)
        return 0;
    if (sub->node.kind != REQUEST_SUBSCRIBE || ack->reasons.len != 1)
        return wrong_answer(s, "SUBACK", ack);
    uint8_t reason = (uint8_t)ack->reasons.data[0];
    if (sub->abandoned) {
        drop(s, &s->replaced, sub);
        return 0;
    }
    id_map_remove(&s->outbound_ids, &sub->node);
    sub->state = reason < PACKET_UNSPECIFIED_ERROR ? SUB_GRANTED : SUB_REFUSED;
    s->events.subscribed(s->user, sub->index, reason);
    return 0;
}

int session_on_unsuback(struct mqtt_session *s, const struct packet_suback *ack)
{
    struct subscription *sub = asked(s, ack->id);
    if (!sub)
        return 0;
    if (sub->node.kind != REQUEST_UNSUBSCRIBE || ack->reasons.len != (s->protocol == MQTT_5))
        return wrong_answer(s, "UNSUBACK", ack);
    drop(s, &s->leaving, sub);
    return 0; /* events.unsubscribed comes with the reports at the end of this input */
}

/* ---- what is told later ---- */

static struct subscription *first_report(const struct mqtt_session *s)
{
    struct subscription *sub;
    TAILQ_FOREACH (sub, &s->wanted, link)
        if (sub->report)
            return sub;
    return NULL;
}

static bool all_left(const struct mqtt_session *s)
{
    return s->leaving_report && TAILQ_EMPTY(&s->leaving);
}

bool session_sub_has_report(const struct mqtt_session *s)
{
    return all_left(s) || first_report(s);
}

void session_sub_report(struct mqtt_session *s)
{
    struct subscription *sub;
    if (all_left(s)) {
        s->leaving_report = false;
        s->events.unsubscribed(s->user);
    }
    for (size_t i = 0; i < MQTT_FILTERS_MAX && (sub = first_report(s)); i++) {
        sub->report = false;
        s->events.subscribed(s->user, sub->index, sub->reason);
    }
}

/* ---- connections come and go ---- */

void session_sub_online(struct mqtt_session *s, bool resumed)
{
    struct subscription *sub;
    TAILQ_FOREACH (sub, &s->wanted, link) {
        if (!resumed) /* MQTT-3.2.2-5: nothing is subscribed any more */
            sub->known = sub->asked_once = false;
        if (!resumed || sub->state != SUB_GRANTED)
            sub->state = SUB_WANTED;
    }
    if (!resumed)
        drop_all(s, &s->leaving);
    ask_all(s);
}

/* A filter that is wanted again does not leave, now that the two can no longer be told in order. */
static void forget_requests(struct mqtt_session *s)
{
    struct subscription *sub, *next;
    TAILQ_FOREACH (sub, &s->wanted, link)
        id_map_remove(&s->outbound_ids, &sub->node);
    for (sub = TAILQ_FIRST(&s->leaving); sub; sub = next) {
        next = TAILQ_NEXT(sub, link);
        id_map_remove(&s->outbound_ids, &sub->node);
        struct subscription *again = find(&s->wanted, sub->filter.filter);
        if (!again)
            continue;
        again->state = SUB_WANTED;
        drop(s, &s->leaving, sub);
    }
}

void session_sub_lost(struct mqtt_session *s)
{
    forget_requests(s);
    drop_all(s, &s->replaced);
}

void session_sub_init(struct mqtt_session *s)
{
    TAILQ_INIT(&s->wanted);
    TAILQ_INIT(&s->leaving);
    TAILQ_INIT(&s->replaced);
}

void session_sub_finish(struct mqtt_session *s)
{
    drop_all(s, &s->wanted);
    drop_all(s, &s->leaving);
    drop_all(s, &s->replaced);
}
