/* stamp.c: the function of start_time.c: answers with the time at which its handler was entered. */
#include <hark/function.h>

#include <time.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    (void)in;
    return hark_reply(ctx, &now, sizeof now);
}

HARK_FUNCTION(.handle = handle);
