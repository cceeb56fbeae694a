/* Connects to an abstract socket of the machine, whose network it may use. */
#include "hostile.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *attack(const struct victims *v)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "%s", v->granted);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(v->granted));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? failed("socket") : outcome(connect(fd, (struct sockaddr *)&to, len));
}
