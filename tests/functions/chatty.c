/* Says the payload on standard output, standard error and, at the level of the topic's last digit, in hark's
 * log. A payload of `crash` is said, too, and followed by a crash; `half` is half a line. */
#include <hark/function.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    const char *text = in->payload;
    int level = in->topic[strlen(in->topic) - 1] - '0';
    if (strcmp(text, "half") == 0) {
        printf("half a line");
        return HARK_OK;
    }
    printf("stdout %s\n", text);
    fprintf(stderr, "stderr %s\n", text);
    hark_log(ctx, level, "log %s", text);
    if (strcmp(text, "crash") == 0)
        abort();
    return HARK_OK;
}

HARK_FUNCTION(.handle = handle);
