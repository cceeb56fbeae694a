/* Gives its channel a name that others could connect to. */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0hark-attack"};
    return outcome(bind(3, (struct sockaddr *)&name, sizeof name));
}
