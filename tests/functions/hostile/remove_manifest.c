/* Removes another function's manifest. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(unlink(in_folder(v, "sibling.yaml")));
}
