/* start() says no, and why. */
#include <hark/function.h>

static int start(struct hark_context *ctx)
{
    hark_log(ctx, HARK_ERROR, "the sensor is missing");
    return 3;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return HARK_OK;
}

HARK_FUNCTION(.start = start, .handle = handle);
