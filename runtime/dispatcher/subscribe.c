#include "dispatcher/function_internal.h"

#include "dispatcher/retry.h"
#include "mqtt/packet.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>

#define REMEMBER_BACKOFF_NS     NS_PER_S
#define REMEMBER_BACKOFF_MAX_NS (60 * NS_PER_S)

/* ---- what the state folder remembers ---- */

static bool same_broker(const struct function *f, const struct session_record *record)
{
    return strcmp(record->broker, f->broker->url_text) == 0;
}

bool function_session_known(struct function *f, struct session_record *ret_record)
{
    struct diag diag;
    char line[DIAG_FORMATTED_MAX];
    int error = state_read(f->node->state, f->record, ret_record, &diag);
    if (error && error != -ENOENT)
        function_log(f, LOG_WARN, "%s", diag_format(&diag, line, sizeof line));
    if (error)
        return false;
    if (same_broker(f, ret_record))
        return true;
    session_record_finish(ret_record);
    return false;
}

/* A disk that is full or read-only may not be so for ever. Said when it begins and when it is over. */
static void forgot(struct function *f, const struct diag *diag)
{
    char line[DIAG_FORMATTED_MAX];
    if (f->remember_failures++ == 0)
        function_log(f, LOG_ERROR,
                     "cannot remember its session: %s; until that is mended, a filter removed while hark is "
                     "down stays subscribed",
                     diag_format(diag, line, sizeof line));
    f->remember_ns = clock_now_ns() + retry_delay_ns(REMEMBER_BACKOFF_NS, REMEMBER_BACKOFF_MAX_NS,
                                                     f->remember_failures, node_random(f->node));
    function_arm(f, f->remember_ns);
}

static void remembered(struct function *f)
{
    if (f->remember_failures)
        function_log(f, LOG_INFO, "%s", "its session is remembered again");
    f->remember_failures = 0;
    f->remember_ns = 0;
}

/* Written before the broker is asked, with what it may hold already: after a crash in between nothing is
 * forgotten. */
static void remember(struct function *f, const struct session_record *known)
{
    struct diag diag;
    size_t known_count = known ? known->filter_count : 0;
    char **filters = calloc(f->subscription_count + known_count + 1, sizeof *filters);
    if (!filters)
        return;
    struct session_record record = {.broker = f->broker->url_text,
                                    .filters = filters,
                                    .speaks_5 = f->broker_speaks_5,
                                    .sure_count = known ? known->sure_count : f->subscription_count};
    for (size_t i = 0; i < known_count; i++)
        filters[record.filter_count++] = known->filters[i];
    for (size_t i = 0; i < f->subscription_count; i++)
        if (!session_record_has(&record, f->subscriptions[i].filter))
            filters[record.filter_count++] = f->subscriptions[i].filter;
    if (state_write(f->node->state, f->record, &record, &diag))
        forgot(f, &diag);
    else
        remembered(f);
    free(filters);
}

/* With timers only, nobody answers, and the broker may still have old filters: they are not forgotten. */
static bool is_answered(const struct function *f)
{
    return f->settled && f->subscription_count;
}

void function_remember_again(struct function *f, uint64_t now_ns)
{
    struct session_record known = {0};
    if (!f->remember_ns || f->phase != FUNCTION_SERVING)
        return;
    if (now_ns < f->remember_ns) {
        function_arm(f, f->remember_ns);
        return;
    }
    bool has_known = !is_answered(f) && function_session_known(f, &known);
    remember(f, has_known ? &known : NULL);
    session_record_finish(&known);
}

/* ---- subscriptions ---- */

static void free_subscriptions(struct subscription *subscriptions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(subscriptions[i].filter);
    free(subscriptions);
}

void function_free_subscriptions(struct function *f)
{
    free_subscriptions(f->subscriptions, f->subscription_count);
    f->subscriptions = NULL;
    f->subscription_count = 0;
}

/* A filter that the broker has answered already, wanted just the same as before; NULL: there is none. Was it
 * refused, it is not asked for again before the next connection. */
static const struct subscription *find_answered(const struct function *f, const struct mqtt_filter *filter)
{
    for (size_t i = 0; i < f->subscription_count; i++) {
        const struct subscription *s = &f->subscriptions[i];
        if (s->answered && s->qos == filter->qos && s->want_retained == filter->want_retained &&
            slice_equal(slice_of(s->filter), filter->filter))
            return s;
    }
    return NULL;
}

static int replace_subscriptions(struct function *f, const struct mqtt_filter *filters, size_t count)
{
    struct subscription *fresh = calloc(count ? count : 1, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct subscription *old = find_answered(f, &filters[i]);
        fresh[i] = (struct subscription){.filter = slice_to_string(filters[i].filter),
                                         .qos = filters[i].qos,
                                         .want_retained = filters[i].want_retained,
                                         .answered = old != NULL,
                                         .refused = old && old->refused};
        if (!fresh[i].filter) {
            free_subscriptions(fresh, i);
            return -ENOMEM;
        }
    }
    function_free_subscriptions(f);
    f->subscriptions = fresh;
    f->subscription_count = count;
    return 0;
}

static void settle_if_answered(struct function *f)
{
    for (size_t i = 0; i < f->subscription_count; i++) {
        if (!f->subscriptions[i].answered)
            return;
    }
    if (f->settled || f->phase != FUNCTION_SERVING)
        return; /* leaving: what is remembered is not to come back */
    f->settled = true;
    f->broker_speaks_5 |= f->broker->belief == MQTT_SPEAKS_5;
    if (is_answered(f))
        remember(f, NULL);
    f->events->settled(f->user, f);
}

static bool is_wanted(const struct function *f, const char *filter)
{
    for (size_t i = 0; i < f->subscription_count; i++)
        if (strcmp(f->subscriptions[i].filter, filter) == 0)
            return true;
    return false;
}

/* What the broker has for sure, and what it may have and is to be rid of. What it may have and should is not
 * among them: a session of MQTT 3.1.1 would not ask for it. */
static size_t name_known(const struct function *f, const struct session_record *known, struct slice *names)
{
    size_t count = 0;
    for (size_t i = 0; i < known->filter_count; i++)
        if (i < known->sure_count || !is_wanted(f, known->filters[i]))
            names[count++] = slice_of(known->filters[i]);
    return count;
}

/* The session is told of an earlier process's filters once; after that it knows best what the broker has. */
static int ask(struct function *f, const struct mqtt_filter *filters, size_t count, bool first)
{
    struct session_record known = {0};
    bool has_known = function_session_known(f, &known);
    if (first)
        broker_teach(f->broker, f->client, known.speaks_5);
    f->broker_speaks_5 |= known.speaks_5;
    int error = replace_subscriptions(f, filters, count);
    if (!error) {
        f->settled = false;
        remember(f, has_known ? &known : NULL);
        struct slice *names = calloc(known.filter_count + 1, sizeof *names);
        size_t name_count = names && first ? name_known(f, &known, names) : 0;
        error = names ? mqtt_client_subscribe(f->client, filters, count, names, name_count) : -ENOMEM;
        free(names);
    }
    if (error && first)
        function_free_subscriptions(f); /* so that the next try is the first again */
    session_record_finish(&known);
    return error;
}

int function_subscribe(struct function *f)
{
    struct mqtt_filter filters[MANIFEST_TRIGGERS_MAX];
    char *memory = NULL;
    int count = trigger_filters(f->active->revision->manifest, filters, &memory);
    if (count < 0)
        return count;
    int error = ask(f, filters, (size_t)count, f->subscription_count == 0);
    free(memory);
    if (!error)
        settle_if_answered(f);
    return error;
}

void function_unsubscribe_all(struct function *f)
{
    int error = mqtt_client_subscribe(f->client, NULL, 0, NULL, 0);
    if (error)
        function_log(f, LOG_ERROR, "cannot unsubscribe: %s", strerror(-error));
}

/* A 3.1.1 broker that has no shared subscriptions takes $share/... for a topic like any other. */
static void warn_of_shared(const struct function *f, const char *filter)
{
    if (slice_starts_with(slice_of(filter), "$share/") && mqtt_client_protocol(f->client) == MQTT_3_1_1)
        function_log(f, LOG_WARN,
                     "the broker speaks MQTT 3.1.1, which knows no shared subscriptions: unless it has them "
                     "all the same, nothing will come for %s",
                     filter);
}

void function_on_subscribed(void *user, size_t index, unsigned reason)
{
    struct function *f = user;
    if (index >= f->subscription_count)
        return;
    struct subscription *s = &f->subscriptions[index];
    s->answered = true;
    s->refused = reason >= 0x80;
    if (s->refused)
        function_log(f, LOG_ERROR,
                     "the broker refused the subscription to %s: %s (0x%02x); the function gets none "
                     "of these messages",
                     s->filter, packet_reason_name((uint8_t)reason), reason);
    else if (reason < s->qos)
        function_log(f, LOG_WARN, "the broker gives at most QoS %u for %s, the manifest asks for %u", reason,
                     s->filter, s->qos);
    if (!s->refused)
        warn_of_shared(f, s->filter);
    settle_if_answered(f);
}
