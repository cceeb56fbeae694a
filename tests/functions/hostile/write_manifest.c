/* Opens its own manifest for writing: it says what the function may. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    return outcome(open(in_folder(v, HOSTILE_NAME ".yaml"), O_WRONLY));
}
