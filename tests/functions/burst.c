/* Publishes as many messages to out/burst as the payload says, numbered from 1. */
#include <hark/function.h>

#include <stdio.h>
#include <stdlib.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    long count = atol(in->payload);
    for (long i = 1; i <= count; i++) {
        char text[24];
        int len = snprintf(text, sizeof text, "%ld", i);
        int error = hark_publish(ctx, "out/burst", text, (size_t)len);
        if (error)
            return error;
    }
    return HARK_OK;
}

HARK_FUNCTION(.handle = handle);
