/* digest: once a minute, what the rooms' temperatures were, for who does not want every one of them.
 *
 * Shows: a timer beside a topic (a tick has no topic), memory between messages, and an output that outlives
 * its use. Try it:
 *
 *     mosquitto_sub -t home/digest -v &
 *     mosquitto_pub -t home/kitchen/temperature -m 19.0
 *     hark invoke digest.yaml --timer "every 1m"
 */
#include <hark/function.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_IS_OLD_AFTER_S = 600 };

/* Of the readings since the last digest. What a crash or a deploy takes away is missing in one digest: nobody
 * is told anything wrong by that. */
static struct {
    unsigned readings;
    double lowest, highest;
} seen;

static bool parse_number(const struct hark_message *in, double *ret)
{
    const char *text = in->payload; /* hark puts a NUL behind every payload */
    char *end;
    *ret = strtod(text, &end);
    return in->payload_len > 0 && end == text + in->payload_len && isfinite(*ret);
}

static int note(const struct hark_message *in)
{
    double degrees;
    if (!parse_number(in, &degrees))
        return HARK_REJECT;
    if (!seen.readings || degrees < seen.lowest)
        seen.lowest = degrees;
    if (!seen.readings || degrees > seen.highest)
        seen.highest = degrees;
    seen.readings++;
    return HARK_OK;
}

/* Outputs of ticks wait while the broker is away. A digest that comes an hour late is worth nothing, so it
 * expires. */
static int publish_digest(struct hark_context *ctx)
{
    char text[128];
    int len = snprintf(text, sizeof text, "{\"readings\":%u,\"lowest\":%.1f,\"highest\":%.1f}", seen.readings,
                       seen.lowest, seen.highest);
    struct hark_message digest = {.topic = "home/digest",
                                  .payload = text,
                                  .payload_len = (size_t)len,
                                  .qos = 1,
                                  .content_type = "application/json",
                                  .expiry_s = DIGEST_IS_OLD_AFTER_S};
    return hark_publish_message(ctx, &digest);
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    if (in->topic)
        return note(in);
    int error = seen.readings ? publish_digest(ctx) : 0;
    if (!error)
        seen.readings = 0;
    return error;
}

HARK_FUNCTION(.handle = handle);
