/* Publishes how many messages have come, every thousand of them. */
#include <hark/function.h>

#include <stdio.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    static unsigned seen;
    char text[16];
    (void)in;
    if (++seen % 1000)
        return HARK_OK;
    int len = snprintf(text, sizeof text, "%u", seen);
    return hark_publish(ctx, "milestone/out", text, (size_t)len);
}

HARK_FUNCTION(.handle = handle);
