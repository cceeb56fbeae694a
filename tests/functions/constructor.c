/* ctor_crash.so, ctor_hang.so, ctor_exit.so: what its constructor does, before anybody calls the function. */
#include <hark/function.h>

#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void constructor(void)
{
    CONSTRUCTOR;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return HARK_OK;
}

HARK_FUNCTION(.handle = handle);
