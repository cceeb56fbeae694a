/* Publishes to out/count how many messages this worker has handled. */
#include <hark/function.h>

#include <stdio.h>

static unsigned count;

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    char text[16];
    int len = snprintf(text, sizeof text, "%u", ++count);
    return hark_publish(ctx, "out/count", text, (size_t)len);
}

HARK_FUNCTION(.handle = handle);
