/* version.c: the function of redeploy.c: answers each message with the number of its version. */
#include <hark/function.h>

#include <stdio.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    static const char version[] = {'0' + VERSION};
    char topic[64];
    (void)in;
    snprintf(topic, sizeof topic, "%s/%s", hark_config(ctx, "out"), hark_capture(ctx, "n"));
    return hark_publish(ctx, topic, version, sizeof version);
}

HARK_FUNCTION(.handle = handle);
