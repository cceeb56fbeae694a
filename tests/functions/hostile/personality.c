/* Has everything readable executable. */
#include "hostile.h"

#include <sys/personality.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(personality(READ_IMPLIES_EXEC));
}
