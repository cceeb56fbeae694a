/* A function that no worker can take, for the one reason that the build chooses. */
#include <hark/function.h>

#include <unistd.h>

HARK_UNUSED static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    (void)ctx;
    (void)in;
    return HARK_OK;
}

#if defined BROKEN_BY_NOTHING_EXPORTED
int something_else(void);
int something_else(void)
{
    return 0;
}
#elif defined BROKEN_BY_ABI
const struct hark_function hark_function = {.abi = 4242, .size = sizeof hark_function, .handle = handle};
#elif defined BROKEN_BY_START
static int start(struct hark_context *ctx)
{
    hark_log(ctx, HARK_ERROR, "the sensor is not there");
    return -1;
}
HARK_FUNCTION(.start = start, .handle = handle);
#elif defined BROKEN_BY_SYMBOL
int a_symbol_nobody_has(void);
static int start(struct hark_context *ctx)
{
    (void)ctx;
    return a_symbol_nobody_has();
}
HARK_FUNCTION(.start = start, .handle = handle);
#else
__attribute__((constructor)) static void construct(void)
{
#if defined BROKEN_BY_CRASH
    __builtin_trap();
#elif defined BROKEN_BY_EXIT
    _exit(0);
#elif defined BROKEN_BY_HANG
    for (volatile unsigned turns = 0;; turns++)
        ;
#else
#error "broken by what?"
#endif
}
HARK_FUNCTION(.handle = handle);
#endif
