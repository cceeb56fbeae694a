/* A function that does what each message tells it, a tick what `tick` in its config says: verbs with their
 * words, separated by "; ".
 *
 *     say TOPIC TEXT      publish at QoS 1        big TOPIC BYTES    publish that many bytes
 *     say2 TOPIC TEXT     publish at QoS 2        many TOPIC COUNT   publish that many messages
 *     keep TOPIC TEXT     publish retained        reply WORD         answer the request
 *     brief TOPIC TEXT    publish with an expiry of a second, at QoS 0 and 1
 *     result TOPIC        what the last publish returned
 *     build TOPIC         which build this is     config TOPIC KEY   a value of the manifest's config
 *     attempt TOPIC       which try this is       log TEXT           a line for the log
 *     retry, reject       end with that result    retry-until N, crash-until N: before the Nth attempt
 *     crash, abort, exit, hang, scribble          misbehave
 *     work MS             be busy that long, then go on
 *     trigger TOPIC       what it was: a topic, or the name of a timer
 *     count TOPIC         how many messages and ticks this worker has had
 *     clock TOPIC         nanoseconds, other ones each time
 */
#include <hark/function.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef PUPPET_BUILD
#define PUPPET_BUILD "one"
#endif

enum { GO_ON = -1, DESCRIPTORS = 64 };

static int last_result;
static unsigned count;

struct order {
    struct hark_context *ctx;
    const struct hark_message *in;
    const char *verb, *first, *rest; /* "" when not given */
};

static int say(const struct order *o, const void *data, size_t len, uint8_t qos, bool retained)
{
    last_result = hark_publish_message(
        o->ctx,
        &(struct hark_message){
            .topic = o->first, .payload = data, .payload_len = len, .qos = qos, .retained = retained});
    return GO_ON;
}

static int say_text(const struct order *o, const char *text)
{
    return say(o, text, strlen(text), 1, false);
}

static int do_say(const struct order *o)
{
    return say_text(o, o->rest);
}

static int do_say2(const struct order *o)
{
    return say(o, o->rest, strlen(o->rest), 2, false);
}

static int do_keep(const struct order *o)
{
    return say(o, o->rest, strlen(o->rest), 1, true);
}

static int do_brief(const struct order *o)
{
    for (uint8_t qos = 0; qos < 2; qos++)
        last_result = hark_publish_message(o->ctx, &(struct hark_message){.topic = o->first,
                                                                          .payload = o->rest,
                                                                          .payload_len = strlen(o->rest),
                                                                          .qos = qos,
                                                                          .expiry_s = 1});
    return GO_ON;
}

static int do_reply(const struct order *o)
{
    last_result = hark_reply(o->ctx, o->first, strlen(o->first));
    return GO_ON;
}

static int do_result(const struct order *o)
{
    char text[16];
    snprintf(text, sizeof text, "%d", last_result);
    return say_text(o, text);
}

static int do_build(const struct order *o)
{
    return say_text(o, PUPPET_BUILD);
}

static int do_config(const struct order *o)
{
    const char *value = hark_config(o->ctx, o->rest);
    return say_text(o, value ? value : "none");
}

static int do_attempt(const struct order *o)
{
    char text[16];
    snprintf(text, sizeof text, "%u", hark_attempt(o->ctx));
    return say_text(o, text);
}

static int do_log(const struct order *o)
{
    hark_log(o->ctx, HARK_INFO, "%s %s", o->first, o->rest);
    return GO_ON;
}

static int do_big(const struct order *o)
{
    size_t len = strtoul(o->rest, NULL, 10);
    char *data = malloc(len);
    if (!data)
        return HARK_REJECT;
    memset(data, 'x', len);
    say(o, data, len, 1, false);
    free(data);
    return GO_ON;
}

static int do_many(const struct order *o)
{
    for (unsigned long left = strtoul(o->rest, NULL, 10); left; left--)
        say_text(o, "one of many");
    return GO_ON;
}

static int do_retry(const struct order *o)
{
    (void)o;
    return HARK_RETRY;
}

static int do_reject(const struct order *o)
{
    (void)o;
    return HARK_REJECT;
}

static int do_retry_until(const struct order *o)
{
    return hark_attempt(o->ctx) < strtoul(o->first, NULL, 10) ? HARK_RETRY : GO_ON;
}

static int do_crash(const struct order *o)
{
    (void)o;
    __builtin_trap();
}

static int do_crash_until(const struct order *o)
{
    return hark_attempt(o->ctx) < strtoul(o->first, NULL, 10) ? do_crash(o) : GO_ON;
}

static int do_abort(const struct order *o)
{
    (void)o;
    abort();
}

static int do_exit(const struct order *o)
{
    (void)o;
    _exit(0);
}

static int do_work(const struct order *o)
{
    struct timespec begin, now;
    long ms = strtol(o->first, NULL, 10);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
    return GO_ON;
}

static int do_clock(const struct order *o)
{
    char text[48];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "%lld.%09ld", (long long)now.tv_sec, now.tv_nsec);
    return say_text(o, text);
}

static int do_count(const struct order *o)
{
    char text[16];
    snprintf(text, sizeof text, "%u", count);
    return say_text(o, text);
}

static int do_trigger(const struct order *o)
{
    const struct hark_message *in = o->in;
    if (in->topic)
        return say_text(o, in->topic);
    bool plain = in->payload_len == 0 && !in->response_topic && !in->retained && in->property_count == 1 &&
                 strcmp(in->properties[0].key, "hark-trigger") == 0;
    return say_text(o, plain ? in->properties[0].value : "a strange tick");
}

static int do_hang(const struct order *o)
{
    (void)o;
    for (volatile unsigned turns = 0;; turns++)
        ;
}

/* Its channel is among these, whatever its number. */
static int do_scribble(const struct order *o)
{
    (void)o;
    char garbage[256];
    memset(garbage, 0xA5, sizeof garbage);
    for (int fd = 3; fd < DESCRIPTORS; fd++) {
        ssize_t ignored = write(fd, garbage, sizeof garbage);
        (void)ignored;
    }
    return GO_ON;
}

static const struct {
    const char *name;
    int (*run)(const struct order *o);
} verbs[] = {
    {"say", do_say},
    {"say2", do_say2},
    {"brief", do_brief},
    {"keep", do_keep},
    {"reply", do_reply},
    {"result", do_result},
    {"build", do_build},
    {"config", do_config},
    {"attempt", do_attempt},
    {"log", do_log},
    {"big", do_big},
    {"many", do_many},
    {"retry", do_retry},
    {"reject", do_reject},
    {"retry-until", do_retry_until},
    {"crash", do_crash},
    {"crash-until", do_crash_until},
    {"abort", do_abort},
    {"exit", do_exit},
    {"hang", do_hang},
    {"work", do_work},
    {"scribble", do_scribble},
    {"trigger", do_trigger},
    {"count", do_count},
    {"clock", do_clock},
};

static int obey(const struct order *o)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, o->verb) == 0)
            return verbs[i].run(o);
    hark_log(o->ctx, HARK_ERROR, "no such verb: %s", o->verb);
    return HARK_REJECT;
}

/* Cuts the text behind its first word; returns what follows. */
static char *cut_word(char *text)
{
    char *space = strchr(text, ' ');
    if (!space)
        return text + strlen(text);
    *space = '\0';
    return space + 1;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char script[1024];
    const char *tick = hark_config(ctx, "tick");
    snprintf(script, sizeof script, "%s", in->topic ? (const char *)in->payload : tick ? tick : "");
    count++;
    int result = GO_ON;
    for (char *next, *verb = script; verb && result == GO_ON; verb = next) {
        next = strstr(verb, "; ");
        if (next) {
            *next = '\0';
            next += 2;
        }
        char *first = cut_word(verb), *rest = cut_word(first);
        result = obey(&(struct order){.ctx = ctx, .in = in, .verb = verb, .first = first, .rest = rest});
    }
    return result == GO_ON ? HARK_OK : result;
}

HARK_FUNCTION(.handle = handle);
