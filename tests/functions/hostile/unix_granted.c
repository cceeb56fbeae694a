/* Connects to the socket that it was granted: no attack, but proof that there is a way. */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *attack(const struct victims *v)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", granted(v, "socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}
