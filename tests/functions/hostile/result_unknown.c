/* Says a result that there is not. */
#include "channel.h"
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    forge(WIRE_RESULT, FIRST_CALL, "\7\0\0\0", 4);
    return "did it";
}
