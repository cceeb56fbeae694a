/* wrong_abi.so, wrong_size.so, no_handle.so: what its struct hark_function says. */
#include <hark/function.h>

HARK_UNUSED static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return HARK_OK;
}

const struct hark_function hark_function = {OBJECT};
