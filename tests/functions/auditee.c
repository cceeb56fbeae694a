/* What the audit audits: publishes each message to audit/out/<name> as it came, at the QoS that it came with.
 * Its config says what it does besides: be busy, crash or ask for a retry at each Nth number; and, so that it
 * is seen that the audit sees, forget the answer to one number, give it twice, or give it behind the next one
 * of its topic. */
#include <hark/function.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef AUDITEE_BUILD
#define AUDITEE_BUILD "one"
#endif

/* So that two builds are two versions. */
__attribute__((used)) static const char build[] = AUDITEE_BUILD;

static unsigned long number_of(struct hark_context *ctx, const char *key)
{
    const char *text = hark_config(ctx, key);
    return text ? strtoul(text, NULL, 10) : 0;
}

static int is_nth(struct hark_context *ctx, const char *key, unsigned long number)
{
    unsigned long every = number_of(ctx, key);
    return every && number % every == 0;
}

static void be_busy(unsigned long ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    if (ms)
        nanosleep(&time, NULL);
}

static int answer(struct hark_context *ctx, const struct hark_message *in)
{
    return hark_publish_message(ctx, &(struct hark_message){.topic = hark_config(ctx, "out"),
                                                            .payload = in->payload,
                                                            .payload_len = in->payload_len,
                                                            .qos = in->qos});
}

/* An answer that is late. */
static char held[256], held_topic[128];
static size_t held_len;

static void hold(const struct hark_message *in)
{
    held_len = in->payload_len < sizeof held ? in->payload_len : 0;
    memcpy(held, in->payload, held_len);
    snprintf(held_topic, sizeof held_topic, "%s", in->topic);
}

static int answer_held(struct hark_context *ctx, const struct hark_message *in)
{
    if (held_len == 0 || strcmp(held_topic, in->topic) != 0)
        return 0;
    struct hark_message late = *in;
    late.payload = held;
    late.payload_len = held_len;
    held_len = 0;
    return answer(ctx, &late);
}

static int answer_badly(struct hark_context *ctx, const struct hark_message *in, unsigned long number)
{
    if (number == number_of(ctx, "forget_at"))
        return 0;
    if (number == number_of(ctx, "swap_at") && in->payload_len < sizeof held) {
        hold(in);
        return 0;
    }
    int error = answer(ctx, in);
    if (!error && number == number_of(ctx, "double_at"))
        error = answer(ctx, in);
    return error ? error : answer_held(ctx, in);
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    unsigned long number = strtoul(in->payload, NULL, 10);
    int result = answer_badly(ctx, in, number);
    be_busy(number_of(ctx, "busy_ms"));
    if (is_nth(ctx, "crash_every", number) && hark_attempt(ctx) <= number_of(ctx, "crashes"))
        *(volatile int *)NULL = 1;
    if (is_nth(ctx, "retry_every", number) && hark_attempt(ctx) == 1)
        return HARK_RETRY;
    return result;
}

HARK_FUNCTION(.handle = handle);
