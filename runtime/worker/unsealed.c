/* hark-unsealed: a worker outside of the seal, for `hark invoke` under a debugger, valgrind or a sanitizer.
 *
 * hark starts it, or a debugger that hark starts, as whoever runs hark: there is no zygote, and nothing that
 * it may not do. Its channel and flight recorder are descriptors of known numbers, its .so is a path in the
 * environment, so that no program in between has to quote it. */
#include "shared/wire.h"
#include "worker/recorder.h"
#include "worker/serve.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static bool is_channel(int fd)
{
    int type;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static bool is_recorder(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (size_t)st.st_size >= sizeof(struct wire_recorder);
}

/* `run` a second time in gdb: the order and the message went to the first, and nothing more will come. The
 * recorder's offset, which nobody else uses, is the same for all who inherit the descriptor. */
static bool is_first_run(void)
{
    return lseek(UNSEALED_RECORDER_FD, 0, SEEK_CUR) == 0 && lseek(UNSEALED_RECORDER_FD, 1, SEEK_SET) == 1;
}

int main(void)
{
    const char *path = getenv(UNSEALED_HANDLER);
    if (!path || !is_channel(UNSEALED_CHANNEL_FD)) {
        fputs("hark-unsealed: hark starts this program by itself, for one message: use `hark invoke --gdb`, "
              "--valgrind or --unsealed, also for another message\n",
              stderr);
        return EX_USAGE;
    }
    if (!is_first_run()) {
        fputs("hark-unsealed: the message went to the first run: quit, and use `hark invoke` again\n",
              stderr);
        return EX_USAGE;
    }
    path = strdup(path);
    struct server *server = serve_open(UNSEALED_CHANNEL_FD);
    if (!path || !server)
        return EX_OSERR;
    signal(SIGPIPE, SIG_IGN); /* as in a sealed worker */
    (void)clearenv();         /* likewise */
    setvbuf(stdout, NULL, _IOLBF, 0);
    serve_file(server, path, is_recorder(UNSEALED_RECORDER_FD) ? recorder_map(UNSEALED_RECORDER_FD) : NULL);
}
