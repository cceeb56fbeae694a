/* Listens where others look for a service. */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *attack(const struct victims *v)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", granted(v, "new-socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(bind(fd, (struct sockaddr *)&at, sizeof at));
}
