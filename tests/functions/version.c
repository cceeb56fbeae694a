/* Two builds of one source, v1.so and v2.so: each publishes to out/version which one it is. */
#include <hark/function.h>

#include <string.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    return hark_publish(ctx, "out/version", VERSION, strlen(VERSION));
}

HARK_FUNCTION(.handle = handle);
