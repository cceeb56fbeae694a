/* Takes all the memory that it gets, gives back one block, and replies with `full` when malloc ended with
 * NULL as it should. A payload of `keep` keeps everything. */
#include <hark/function.h>

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 20, BLOCKS_MAX = 1024 };

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    static char *blocks[BLOCKS_MAX];
    size_t count = 0;
    while (count < BLOCKS_MAX && (blocks[count] = malloc(BLOCK_BYTES)))
        memset(blocks[count++], 1, BLOCK_BYTES);
    if (strcmp(in->payload, "keep") != 0)
        for (size_t i = 0; i < count; i++)
            free(blocks[i]);
    const char *answer = count < BLOCKS_MAX ? "full" : "no end";
    return hark_reply(ctx, answer, strlen(answer));
}

HARK_FUNCTION(.handle = handle);
