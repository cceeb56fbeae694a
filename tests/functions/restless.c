/* Gets ready, and dies a moment later, with or without a message. The moment is long enough to say so on a
 * machine that has much else to do. */
#include <hark/function.h>

#include <sys/time.h>

static int start(struct hark_context *ctx)
{
    (void)ctx;
    const struct itimerval soon = {.it_value = {.tv_usec = 200000}};
    return setitimer(ITIMER_REAL, &soon, NULL); /* nobody catches SIGALRM */
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return HARK_OK;
}

HARK_FUNCTION(.start = start, .handle = handle);
