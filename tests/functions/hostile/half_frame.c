/* Sends half a frame and hangs. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    struct wire_header header = {.length = 100, .type = WIRE_LOG};
    if (write(CHANNEL, &header, sizeof header) < 0)
        return failed("write");
    return spin();
}
