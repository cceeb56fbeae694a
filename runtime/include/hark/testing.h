/* hark/testing.h: unit tests of a function, inside the test's own process.
 *
 * The handler is called as any other C function is: with any test framework, in a debugger, under
 * AddressSanitizer, from a fuzzer. There is no worker, no seal and no limit of time or memory: what these do
 * is seen with `hark test` and `hark invoke`. What a call of hark/function.h returns is what it returns in a
 * worker.
 *
 * Compile the function's source with the test; nothing is to be linked. C11 or GNU C++11, one thread.
 *
 *     #include <hark/testing.h>
 *     #include <assert.h>
 *     #include <string.h>
 *
 *     int main(void)
 *     {
 *         struct hark_test *t = hark_test_create(&hark_function);
 *         hark_test_trigger(t, "home/{room}/temperature");
 *         hark_test_config(t, "setpoint", "21.5");
 *         assert(hark_test_start(t) == 0);
 *         assert(hark_test_send(t, "home/kitchen/temperature", "19.0") == HARK_OK);
 *         assert(hark_test_published_count(t) == 1);
 *         assert(strcmp(hark_test_published(t, 0)->topic, "home/kitchen/heater") == 0);
 *         hark_test_destroy(t);
 *     }
 *
 * Payloads and all other bytes of a message are given to the handler in memory of their own size, and freed
 * when it returns: a read behind the end, or after the return, is what AddressSanitizer finds. Out of memory
 * ends the test with abort(). */
#ifndef HARK_TESTING_H
#define HARK_TESTING_H

#include <hark/testing_detail.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function that has not started, with room for anything: any topic triggers it, it may publish to any. The
 * caller destroys it. More than one may be there at a time. */
static inline struct hark_test *hark_test_create(const struct hark_function *function)
{
    static const struct hark_calls calls = {hark_test_publish_,     hark_test_publish_message_,
                                            hark_test_reply_,       hark_test_get_capture_,
                                            hark_test_get_config_,  hark_test_logv_,
                                            hark_test_get_attempt_, hark_test_get_budget_};
    struct hark_test *t = (struct hark_test *)hark_test_alloc_(sizeof *t);
    t->context.calls = &calls;
    t->function = function;
    t->payload_max = 256 * 1024;
    t->publishes_max = 1000;
    t->attempt = 1;
    t->budget_ns = 10000000000LL;
    return t;
}

/* A trigger of the manifest: `home/{room}/temperature`. From the first one on, a topic that none matches is a
 * mistake of the test, which aborts. */
static inline void hark_test_trigger(struct hark_test *t, const char *pattern)
{
    if (t->trigger_count == HARK_TEST_PATTERNS_MAX)
        abort();
    t->triggers[t->trigger_count++] = hark_test_text_(pattern);
}

/* A pattern of the manifest's `publishes`. From the first one on, other topics are -EACCES. */
static inline void hark_test_publishes(struct hark_test *t, const char *pattern)
{
    if (t->publishes_count == HARK_TEST_PATTERNS_MAX)
        abort();
    t->publishes[t->publishes_count++] = hark_test_text_(pattern);
}

/* A value of the manifest's `config`; before hark_test_start. */
static inline void hark_test_config(struct hark_test *t, const char *key, const char *value)
{
    t->config =
        (struct hark_test_pair *)hark_test_grow_(t->config, (t->config_count + 1) * sizeof *t->config);
    t->config[t->config_count].key = hark_test_text_(key);
    t->config[t->config_count++].value = hark_test_text_(value);
}

/* `limits.payload` in bytes and `limits.publishes`; 256 KiB and 1000 unless set. */
static inline void hark_test_limits(struct hark_test *t, size_t payload_max, size_t publishes_max)
{
    t->payload_max = payload_max;
    t->publishes_max = publishes_max;
}

/* Calls the function's start(). What it returned; 0 when it has none. */
static inline int hark_test_start(struct hark_test *t)
{
    return t->function->start ? t->function->start(&t->context) : 0;
}

static inline void hark_test_clear_outputs_(struct hark_test *t)
{
    while (t->published_count > 0)
        hark_test_message_free_(&t->published[--t->published_count]);
    hark_test_drop_reply_(t);
    t->reply_count = 0;
}

static inline void hark_test_aim_(struct hark_test *t, const char *topic)
{
    size_t i;
    hark_test_forget_captures_(t);
    for (i = 0; topic && i < t->trigger_count; i++) {
        if (hark_test_matches_(t, t->triggers[i], topic)) {
            hark_test_take_captures_(t, t->triggers[i], topic);
            return;
        }
    }
    if (topic && t->trigger_count > 0) {
        fprintf(stderr, "hark_test: no trigger matches '%s'\n", topic);
        abort();
    }
}

/* Gives the handler a message. Returns what it returned, as hark takes it:
 * HARK_OK, HARK_RETRY (also for any other number) or HARK_REJECT. What the last message published is
 * forgotten, and after any other end than HARK_OK nothing is published. */
static inline int hark_test_message(struct hark_test *t, const struct hark_message *in)
{
    struct hark_message own;
    int result;
    hark_test_clear_outputs_(t);
    hark_test_aim_(t, in->topic);
    hark_test_message_copy_(&own, in);
    t->in = &own;
    result = t->function->handle(&t->context, &own);
    t->in = NULL;
    hark_test_message_free_(&own);
    if (result != HARK_OK)
        hark_test_clear_outputs_(t);
    return result == HARK_OK || result == HARK_REJECT ? result : HARK_RETRY;
}

/* A tick of the timer that the manifest names so: `every 30s`. */
static inline int hark_test_tick(struct hark_test *t, const char *timer)
{
    struct hark_property property;
    struct hark_message in;
    memset(&in, 0, sizeof in);
    property.key = "hark-trigger";
    property.value = timer;
    in.properties = &property;
    in.property_count = 1;
    return hark_test_message(t, &in);
}

/* A message of a topic and a text, at QoS 1. */
static inline int hark_test_send(struct hark_test *t, const char *topic, const char *payload)
{
    struct hark_message in;
    memset(&in, 0, sizeof in);
    in.topic = topic;
    in.payload = payload;
    in.payload_len = strlen(payload);
    in.qos = 1;
    return hark_test_message(t, &in);
}

/* What the last message published, in order, replies apart; and its reply. Borrowed until the next message.
 */
static inline size_t hark_test_published_count(const struct hark_test *t)
{
    return t->published_count;
}

/* NULL: there are not as many. */
static inline const struct hark_message *hark_test_published(const struct hark_test *t, size_t i)
{
    return i < t->published_count ? &t->published[i] : NULL;
}

static inline const struct hark_message *hark_test_reply(const struct hark_test *t)
{
    return t->reply;
}

/* Did a line of the log have that text in it, since it began or was cleared? */
static inline bool hark_test_logged(const struct hark_test *t, const char *part)
{
    size_t i;
    for (i = 0; i < t->log_count; i++) {
        if (strstr(t->logs[i], part))
            return true;
    }
    return false;
}

static inline void hark_test_clear_log(struct hark_test *t)
{
    while (t->log_count > 0)
        free(t->logs[--t->log_count]);
}

/* Calls the function's stop() and frees all. */
static inline void hark_test_destroy(struct hark_test *t)
{
    if (t->function->stop)
        t->function->stop(&t->context);
    hark_test_clear_outputs_(t);
    hark_test_clear_log(t);
    hark_test_forget_captures_(t);
    while (t->trigger_count > 0)
        free(t->triggers[--t->trigger_count]);
    while (t->publishes_count > 0)
        free(t->publishes[--t->publishes_count]);
    while (t->config_count > 0) {
        t->config_count--;
        free(t->config[t->config_count].key);
        free(t->config[t->config_count].value);
    }
    free(t->config);
    free(t->published);
    free(t->logs);
    free(t);
}

#ifdef __cplusplus
}
#endif

#endif
