/* ping_pong.c: what any second process costs: bench_ping_pong ROUNDS BYTES prints the median time, in
 * microseconds, for that many bytes to go to another process by a socketpair and to come back, one at a time.
 */
#include "samples.h"
#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES_MAX = 65536 };

static char bytes[BYTES_MAX];

static _Noreturn void be_other(int fd)
{
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    _exit(EXIT_SUCCESS);
}

static void go_there_and_back(int fd, size_t len)
{
    if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len ||
        recv(fd, bytes, len, MSG_WAITALL) != (ssize_t)len)
        exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    int ends[2];
    struct samples times = {0};
    unsigned long rounds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long len = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (rounds == 0 || len == 0 || len > BYTES_MAX) {
        fprintf(stderr, "usage: bench_ping_pong ROUNDS BYTES\n");
        return 64;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return EXIT_FAILURE;
    if (fork() == 0) {
        close(ends[0]);
        be_other(ends[1]);
    }
    close(ends[1]);
    for (unsigned long i = 0; i < rounds; i++) {
        uint64_t start_ns = clock_now_ns();
        go_there_and_back(ends[0], len);
        samples_add(&times, clock_now_ns() - start_ns);
    }
    printf("%.1f\n", samples_percentile_us(&times, 50));
    samples_finish(&times);
    return EXIT_SUCCESS;
}
