/* sample.c: a function that does nothing: a shared object for tests to look at. */
#include <hark/function.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx, (void)in;
    return HARK_OK;
}

HARK_FUNCTION(.handle = handle);
