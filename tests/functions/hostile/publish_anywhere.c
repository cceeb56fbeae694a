/* Publishes to a topic that its manifest does not allow, past the check in the worker. */
#include "channel.h"
#include "hostile.h"
#include "shared/buffer.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    struct buffer frame = {0};
    struct wire_message message = {.topic = slice_of("forbidden/topic"), .payload = slice_of("x"), .qos = 1};
    wire_put_publish(&frame, FIRST_CALL, &message);
    if (write(CHANNEL, buffer_data(&frame), buffer_length(&frame)) < 0)
        return failed("write");
    return "did it";
}
