/* Divides by the payload. */
#include <hark/function.h>

#include <stdlib.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    volatile int dividend = 100, divisor = atoi(in->payload);
    (void)ctx;
    return dividend / divisor ? HARK_OK : HARK_REJECT;
}

HARK_FUNCTION(.handle = handle);
