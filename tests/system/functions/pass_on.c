/* Publishes what comes to the topic that its config names, and tries to have come through no function. */
#include <hark/function.h>

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    static const struct hark_property properties[] = {
        {"hark-hops", "0"}, {"hark-error", "none"}, {"colour", "blue"}};
    const struct hark_message out = {.topic = hark_config(ctx, "to"),
                                     .payload = in->payload,
                                     .payload_len = in->payload_len,
                                     .qos = 1,
                                     .properties = properties,
                                     .property_count = 3};
    return hark_publish_message(ctx, &out);
}

HARK_FUNCTION(.handle = handle);
