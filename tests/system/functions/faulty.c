/* A function with the fault that the message names, for who looks for faults. */
#include <hark/function.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int turns = 1;
static char *volatile block;

static int overflow(void)
{
    block[8] = 'x';
    free(block);
    return HARK_OK;
}

static int leak(void)
{
    block = NULL;
    return HARK_OK;
}

static int hang(void)
{
    free(block);
    puts("it turns");
    while (turns) {
    }
    return HARK_OK;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    const char *fault = in->payload, *room = hark_capture(ctx, "room");
    block = malloc(8);
    if (strcmp(fault, "overflow") == 0)
        return overflow();
    if (strcmp(fault, "leak") == 0)
        return leak();
    if (strcmp(fault, "hang") == 0)
        return hang();
    if (strcmp(fault, "crash") == 0)
        abort();
    if (strcmp(fault, "undefined") == 0)
        turns <<= 40 * turns;
    free(block);
    return hark_publish(ctx, "seen", room, strlen(room));
}

HARK_FUNCTION(.handle = handle);
