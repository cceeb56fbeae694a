/* Publishes to the topic that is the payload, and replies with the number that this returned. A payload of
 * `size N` publishes N bytes to out/denied, `count N` N messages, `reply N` N bytes as a reply, `message
 * qos`, `message properties`, `message utf8` a message that MQTT cannot carry. */
#include <hark/function.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROPERTIES = 65 };

static int outside_handle;

static int publish_size(struct hark_context *ctx, size_t bytes)
{
    char *data = calloc(1, bytes);
    int error = data ? hark_publish(ctx, "out/denied", data, bytes) : 1;
    free(data);
    return error;
}

static int publish_count(struct hark_context *ctx, long count)
{
    int error = 0;
    for (long i = 0; i < count && !error; i++)
        error = hark_publish(ctx, "out/denied", "x", 1);
    return error;
}

static int publish_bad_message(struct hark_context *ctx, const char *what)
{
    static struct hark_property properties[PROPERTIES];
    struct hark_message m = {.topic = "out/denied", .payload = "x", .payload_len = 1};
    for (int i = 0; i < PROPERTIES; i++)
        properties[i] = (struct hark_property){"key", "value"};
    m.properties = properties;
    if (strcmp(what, "qos") == 0)
        m.qos = 3;
    else if (strcmp(what, "properties") == 0)
        m.property_count = PROPERTIES;
    else
        m.content_type = "\xff";
    return hark_publish_message(ctx, &m);
}

static int attempt(struct hark_context *ctx, const char *what)
{
    if (strncmp(what, "size ", 5) == 0)
        return publish_size(ctx, strtoul(what + 5, NULL, 10));
    if (strncmp(what, "count ", 6) == 0)
        return publish_count(ctx, atol(what + 6));
    if (strncmp(what, "message ", 8) == 0)
        return publish_bad_message(ctx, what + 8);
    if (strcmp(what, "outside") == 0)
        return outside_handle;
    return hark_publish(ctx, what, "x", 1);
}

static int start(struct hark_context *ctx)
{
    outside_handle = hark_publish(ctx, "out/denied", "x", 1);
    return 0;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%d", attempt(ctx, in->payload));
    if (hark_reply(ctx, text, (size_t)len) != 0)
        hark_log(ctx, HARK_ERROR, "no reply, and publish returned %s", text);
    return HARK_OK;
}

HARK_FUNCTION(.start = start, .handle = handle);
