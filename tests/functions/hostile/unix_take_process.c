/* Takes a handle of the process behind the socket. */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *attack(const struct victims *v)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", granted(v, "socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return failed("connect");
    int handle;
    socklen_t len = sizeof handle;
    return outcome(getsockopt(fd, SOL_SOCKET, 77, &handle, &len));
}
