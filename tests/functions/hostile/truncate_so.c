/* Truncates another function's code. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(truncate(in_folder(v, "sibling.so"), 0));
}
