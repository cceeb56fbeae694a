/* Logs when it is started and stopped; keeps a pointer between the two. */
#include <hark/function.h>

static int mark;

static int start(struct hark_context *ctx)
{
    hark_log(ctx, HARK_INFO, "started with %s", hark_config(ctx, "who") ? hark_config(ctx, "who") : "nobody");
    ctx->user = &mark;
    return 0;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)in;
    return ctx->user == &mark ? HARK_OK : HARK_REJECT;
}

static void stop(struct hark_context *ctx)
{
    hark_log(ctx, HARK_INFO, ctx->user == &mark ? "stopped" : "stopped, but not the one that started");
}

HARK_FUNCTION(.start = start, .handle = handle, .stop = stop);
