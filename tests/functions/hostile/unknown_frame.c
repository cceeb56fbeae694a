/* Sends a frame of a type that there is not. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(77, FIRST_CALL, NULL, 0);
    return "did it";
}
