/* Says of its call that it went well, before it ends; the worker will say so again. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(WIRE_RESULT, FIRST_CALL, "\0\0\0\0", 4);
    return "did it";
}
