/* Says that it could not be loaded. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(WIRE_FAILED, 0, "\1\0\0\0x", 6);
    return "did it";
}
