/* Says that it has stopped. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(WIRE_STOPPED, 0, NULL, 0);
    return "did it";
}
