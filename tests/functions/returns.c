/* Publishes the payload to out/returns, then returns the number that the payload is: 0 ok, 1 retry, 2 reject,
 * 42 or -13 nothing that enum hark_result knows. */
#include <hark/function.h>

#include <stdlib.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    int error = hark_publish(ctx, "out/returns", in->payload, in->payload_len);
    return error ? error : atoi(in->payload);
}

HARK_FUNCTION(.handle = handle);
