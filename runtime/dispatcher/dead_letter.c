/* dead_letter.c: what is given up goes to the dead letter topic and to this machine's disk, and stays with
 * the broker until it is safe in one of the two and the other has had its chance. */
#include "dispatcher/function_internal.h"

#include "dispatcher/hops.h"
#include "dispatcher/plain.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEAD_PROPERTIES = 7 };

#define FORGO_NS NS_PER_S

static void put_time(char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static struct slice clip(struct slice text)
{
    return slice_make(text.data, text.len > UINT16_MAX ? UINT16_MAX : text.len);
}

/* The original's properties, behind the hops; said where some are left out. */
static uint32_t copy_properties(const struct invocation *inv, struct property *properties)
{
    const struct mqtt_message *m = inv->message;
    uint32_t own = hops_copy_own(properties, m->properties, m->property_count);
    uint32_t plain = plain_properties(properties, own);
    if (plain < own)
        function_log(
            inv->function, LOG_WARN,
            "%u of the properties of %s %.*s are left out of its dead letter: brokers end the connection "
            "for what is in them",
            own - plain, INVOCATION_ARG(inv));
    return plain;
}

/* The original, to the last property that was not hark's, and behind it what became of it. */
static void send_dead_letter(struct invocation *inv, const struct revision *revision, const char *reason)
{
    const struct mqtt_message *m = inv->message;
    struct property properties[MQTT_USER_PROPERTIES_MAX + DEAD_PROPERTIES];
    char attempts[16], when[32], hops[HOPS_TEXT_MAX], topic[PLAIN_TEXT_MAX], why[PLAIN_TEXT_MAX];
    snprintf(attempts, sizeof attempts, "%u", inv->attempts);
    put_time(when, sizeof when);
    CHECK(m->property_count <= MQTT_USER_PROPERTIES_MAX);
    properties[0] = hops_next(inv->hops, hops);
    uint32_t count = 1 + copy_properties(inv, properties + 1);
    if (inv->tick)
        properties[count++] = inv->tick->property;
    else
        properties[count++] = (struct property){slice_of("hark-topic"), plain_text(m->topic, topic)};
    properties[count++] = (struct property){slice_of("hark-function"), slice_of(inv->function->name)};
    properties[count++] = (struct property){slice_of("hark-version"), slice_of(revision->version)};
    properties[count++] = (struct property){slice_of("hark-reason"), plain_text(clip(slice_of(reason)), why)};
    properties[count++] = (struct property){slice_of("hark-attempts"), slice_of(attempts)};
    properties[count++] = (struct property){slice_of("hark-time"), slice_of(when)};
    struct mqtt_publish publish = {.topic = slice_of(revision->manifest->dead_letter),
                                   .payload = m->payload,
                                   .content_type = plain_or_absent(m->content_type),
                                   .response_topic = m->response_topic,
                                   .correlation = m->correlation,
                                   .properties = properties,
                                   .property_count = count,
                                   .qos = 1};
    release_publish(&inv->output, &publish);
}

/* ---- on this machine's disk ---- */

static void on_kept(struct dead_ticket *ticket, int error)
{
    struct invocation *inv = (struct invocation *)((char *)ticket - offsetof(struct invocation, ticket));
    struct function *f = inv->function;
    if (f->phase == FUNCTION_CLOSING)
        return; /* its client may be gone already; the message stays with the broker */
    inv->kept = error == 0;
    inv->awaited--;
    release_when_safe(inv);
    function_pump(f);
}

static int64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void keep(struct invocation *inv, const struct revision *revision, const char *reason)
{
    const struct mqtt_message *m = inv->message;
    struct property properties[MQTT_USER_PROPERTIES_MAX];
    const struct dead_letter letter = {
        .function = inv->function->name,
        .version = revision->version,
        .error = give_up_word(inv->cause),
        .reason = reason,
        .broker = inv->function->broker->url_text,
        .timer = inv->tick ? inv->tick->name : NULL,
        .attempts = inv->attempts,
        .time_ms = unix_ms(),
        .message = {.topic = m->topic,
                    .payload = m->payload,
                    .content_type = m->content_type,
                    .response_topic = m->response_topic,
                    .correlation = m->correlation,
                    .properties = properties,
                    .property_count = hops_copy_own(properties, m->properties, m->property_count),
                    .expiry_s = m->expiry_s,
                    .has_expiry = m->has_expiry,
                    .qos = m->qos,
                    .retain = m->retained}};
    inv->ticket.kept = on_kept;
    if (dead_keeper_keep(inv->function->node->dead_keeper, &inv->ticket, &letter))
        function_log(inv->function, LOG_ERROR, "no memory to keep the dead letter of %s %.*s",
                     INVOCATION_ARG(inv));
    else
        inv->awaited++;
}

/* ---- burying ---- */

static const struct revision *newest_revision(const struct function *f)
{
    const struct pool *pool = f->active ? f->active : TAILQ_FIRST(&f->pools);
    return pool ? pool->revision : NULL;
}

static void bury(struct invocation *inv)
{
    const struct revision *revision = newest_revision(inv->function);
    const char *reason = inv->reason ? inv->reason : give_up_word(inv->cause);
    inv->dead = true;
    inv->refused = 0;
    inv->all_sent = false;
    inv->function->releasing++;
    if (revision && revision->manifest->dead_letter) {
        if (inv->function->node->dead_keeper && !inv->kept)
            keep(inv, revision, reason);
        if (!inv->unpublished)
            send_dead_letter(inv, revision, reason);
    }
    error_reply(inv, inv->cause, reason);
    inv->all_sent = true;
    release_when_safe(inv);
}

/* MQTT 3.1.1 carries no hops that would end it: a function that listens to its own dead letters, and gives
 * this one up too, would do so without end. */
static bool comes_round(const struct invocation *inv, const char *topic)
{
    return topic && mqtt_client_protocol(inv->function->client) == MQTT_3_1_1 && !inv->tick &&
           slice_equal(inv->message->topic, slice_of(topic));
}

static void say_given_up(const struct invocation *inv, const char *topic)
{
    const char *what_then = !topic              ? "dropped"
                            : !inv->unpublished ? "dead letter to "
                            : inv->function->node->dead_keeper
                                ? "it was a dead letter of this function already: kept on this machine alone"
                                : "it was a dead letter of this function already: dropped";
    function_log(inv->function, LOG_WARN, "%s %.*s is given up after %u attempt%s: %s; %s%s",
                 INVOCATION_ARG(inv), inv->attempts, inv->attempts == 1 ? "" : "s",
                 inv->reason ? inv->reason : give_up_word(inv->cause), what_then,
                 topic && !inv->unpublished ? topic : "");
}

void dead_letter(struct invocation *inv, enum give_up cause, const char *reason)
{
    struct function *f = inv->function;
    const struct revision *revision = newest_revision(f);
    const char *topic = revision ? revision->manifest->dead_letter : NULL;
    free(inv->reason);
    inv->cause = cause;
    inv->reason = strdup(reason); /* NULL when memory is gone: said all the same */
    timers_tick_over(inv);
    inv->unpublished |= comes_round(inv, topic);
    if (cause != GIVE_UP_LOOP) /* which says it once a second */
        say_given_up(inv, topic);
    bury(inv);
}

static void put_off(struct invocation *inv, uint64_t delay_ns)
{
    struct function *f = inv->function;
    inv->bury_ns = clock_now_ns() + delay_ns;
    TAILQ_INSERT_TAIL(&f->unburied, inv, unburied_link);
    inv->unburied = true;
    function_arm(f, inv->bury_ns);
}

/* All is safe but what the broker refused. A broker that closes after a refusal (mosquitto 2.0) would not
 * read the acknowledgement: the message would come again, be given up again, and so on without end. It is for
 * the next connection. */
void dead_letter_forgo(struct invocation *inv)
{
    inv->forgone = true;
    put_off(inv, FORGO_NS);
}

/* What the broker will not have for its size it will not have later. Anything else may be mended: a
 * permission, a quota. */
void dead_letter_refused(struct invocation *inv, unsigned reason)
{
    struct function *f = inv->function;
    const struct revision *revision = newest_revision(f);
    if (inv->kept) {
        function_log(f, LOG_WARN, "the dead letter of %s %.*s is kept on this machine alone: hark dead list",
                     INVOCATION_ARG(inv));
        dead_letter_forgo(inv);
        return;
    }
    if (reason == MQTT_UNSENDABLE_SIZE || !revision) {
        function_log(f, LOG_ERROR, "%s %.*s is lost: the broker does not take its dead letter",
                     INVOCATION_ARG(inv));
        release_discard(inv);
        return;
    }
    put_off(inv, revision->manifest->retry_max_backoff_ns);
}

void dead_letter_retry(struct function *f, uint64_t now_ns)
{
    struct invocation *inv, *next;
    for (inv = TAILQ_FIRST(&f->unburied); inv; inv = next) {
        next = TAILQ_NEXT(inv, unburied_link);
        if (inv->bury_ns > now_ns) {
            function_arm(f, inv->bury_ns);
            continue;
        }
        TAILQ_REMOVE(&f->unburied, inv, unburied_link);
        inv->unburied = false;
        if (inv->forgone)
            release_discard(inv);
        else
            bury(inv);
    }
}
