/* Gives a file that it was granted another name outside. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(link(granted(v, "read/table"), "/tmp/hark-attack-link"));
}
