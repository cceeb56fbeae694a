/* What hark looks for in the .so; the rest is Go. */
#include "_cgo_export.h"

#include <hark/function.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    return gopherHandle(ctx, (void *)in->payload, (int)in->payload_len);
}

HARK_FUNCTION(.handle = handle);
