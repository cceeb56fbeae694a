/* Puts its own manifest in the place of another function's. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    char own[512];
    snprintf(own, sizeof own, "%s/" HOSTILE_NAME ".yaml", v->folder);
    return outcome(rename(own, in_folder(v, "sibling.yaml")));
}
