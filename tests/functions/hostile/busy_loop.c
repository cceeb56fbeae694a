/* Does nothing, for ever, as fast as it can. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return spin();
}
