/* Connects to a socket beside the one that it was granted. */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *attack(const struct victims *v)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", granted(v, "other-socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}
