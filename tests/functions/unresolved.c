/* Calls what nobody defines. hark_function() would not link it, so it is built without. */
#include <hark/function.h>

int nowhere_to_be_found(void);

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return nowhere_to_be_found();
}

HARK_FUNCTION(.handle = handle);
