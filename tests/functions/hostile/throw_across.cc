/* Throws an exception that it does not catch, across the frames of the worker. */
#include <hark/function.h>

#include <stdexcept>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx, (void)in;
    throw std::runtime_error("nobody expects it");
}

HARK_FUNCTION(.handle = handle);
