/* Takes as many milliseconds as the payload says, then publishes it to out/slow. */
#include <hark/function.h>

#include <stdlib.h>
#include <time.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    long ms = atol(in->payload);
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
    return hark_publish(ctx, "out/slow", in->payload, in->payload_len);
}

HARK_FUNCTION(.handle = handle);
