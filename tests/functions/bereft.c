/* Needs a library that is not there when it is loaded. */
#include <hark/function.h>

int absent_answer(void);

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return absent_answer();
}

HARK_FUNCTION(.handle = handle);
