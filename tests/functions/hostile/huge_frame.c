/* Announces a frame of four gigabytes. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    struct wire_header header = {.length = UINT32_MAX, .type = WIRE_LOG};
    return outcome(write(CHANNEL, &header, sizeof header));
}
