/* Sends hark what hark sends to workers. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(WIRE_INVOKE, FIRST_CALL, NULL, 0);
    return "did it";
}
