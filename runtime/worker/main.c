/* hark-worker: started by hark before it knows any secret, with an empty environment, its control socket at
 * ZYGOTE_FD and hark's process id as the only argument. It becomes the zygote. */
#include "worker/zygote.h"

#include "shared/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

static bool is_control_socket(int fd)
{
    int type;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* 0 when the text is no process id. */
static pid_t parse_pid(const char *text)
{
    char *end;
    long pid = strtol(text, &end, 10);
    return *text && !*end && pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

int main(int argc, char **argv)
{
    pid_t parent = argc == 2 ? parse_pid(argv[1]) : 0;
    if (!parent || !is_control_socket(ZYGOTE_FD)) {
        fputs("hark-worker: hark starts this program by itself: use `hark run`, or `hark invoke` to try a "
              "function\n",
              stderr);
        return EX_USAGE;
    }
    /* Without exit(3): there is nothing to flush, and the destructors of preloaded libraries are not ours. */
    _exit(zygote_run(ZYGOTE_FD, parent));
}
