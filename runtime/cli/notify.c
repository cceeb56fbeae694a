#include "cli/notify.h"

#include "shared/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or @ and an abstract name. 0: it is neither (a vsock:, for instance), or too long. */
static socklen_t address_of(const char *text, struct sockaddr_un *ret)
{
    size_t len = strlen(text);
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof ret->sun_path)
        return 0;
    memcpy(ret->sun_path, text, len);
    if (text[0] == '@')
        ret->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
}

static int send_to(const char *where, const char *state)
{
    static const struct timeval patience = {.tv_sec = 1};
    struct sockaddr_un address;
    socklen_t address_len = address_of(where, &address);
    if (address_len == 0)
        return -EAFNOSUPPORT;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, address_len) < 0)
        error = -errno;
    close(fd);
    return error;
}

void notify_manager(const char *state)
{
    const char *where = getenv("NOTIFY_SOCKET");
    int error = where && *where ? send_to(where, state) : 0;
    if (error < 0)
        log_warn("the service manager at NOTIFY_SOCKET=%s cannot be told: %s", where, strerror(-error));
}

bool notify_is_journal(const char *stream, int fd)
{
    char found[64];
    struct stat s;
    if (!stream || fstat(fd, &s) < 0)
        return false;
    snprintf(found, sizeof found, "%ju:%ju", (uintmax_t)s.st_dev, (uintmax_t)s.st_ino);
    return strcmp(found, stream) == 0;
}
