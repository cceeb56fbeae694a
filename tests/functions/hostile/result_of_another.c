/* Says of a call that it never saw that it went well. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(WIRE_RESULT, FIRST_CALL + 1, "\0\0\0\0", 4);
    return "did it";
}
