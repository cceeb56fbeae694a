/* Publishes what comes to `echo/out`, with the name of the build behind it. */
#include <hark/function.h>

#include <stdio.h>

#ifndef ECHO_BUILD
#define ECHO_BUILD "one"
#endif

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%s " ECHO_BUILD, (const char *)in->payload);
    return hark_publish(ctx, "echo/out", text, (size_t)len);
}

HARK_FUNCTION(.handle = handle);
