/* echo.c: the function that hark runs in the benchmark: one answer for each message, below the topic that its
 * config calls `out`, with its payload, at its QoS. peers/ do the same work. */
#include <hark/function.h>

#include <stdio.h>

static int start(struct hark_context *ctx)
{
    ctx->user = (void *)(uintptr_t)hark_config(ctx, "out");
    return ctx->user ? 0 : -1;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char topic[64];
    snprintf(topic, sizeof topic, "%s/%s", (const char *)ctx->user, hark_capture(ctx, "n"));
    const struct hark_message out = {
        .topic = topic, .payload = in->payload, .payload_len = in->payload_len, .qos = in->qos};
    return hark_publish_message(ctx, &out);
}

HARK_FUNCTION(.start = start, .handle = handle);
