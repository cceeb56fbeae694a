/* Says that it is ready, once more. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(WIRE_READY, 0, NULL, 0);
    return "did it";
}
