/* Uses up the processor time of its whole life in one call, which has more time than that. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return spin();
}
