/* Publishes the payload to out/<topic>, and replies with it when somebody asked. With everything that came
 * along when the topic starts with full/. */
#include <hark/function.h>

#include <stdio.h>
#include <string.h>

static int relay_all(struct hark_context *ctx, const char *topic, const struct hark_message *in)
{
    struct hark_message out = *in;
    out.topic = topic;
    return hark_publish_message(ctx, &out);
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    char topic[256];
    snprintf(topic, sizeof topic, "out/%s", in->topic ? in->topic : "timer");
    int error = in->topic && strncmp(in->topic, "full/", 5) == 0
                    ? relay_all(ctx, topic, in)
                    : hark_publish(ctx, topic, in->payload, in->payload_len);
    if (!error && in->response_topic)
        error = hark_reply(ctx, in->payload, in->payload_len);
    return error;
}

HARK_FUNCTION(.handle = handle);
