/* redeploy.c: how long a new version takes to be the one that answers:
 *
 *     bench_redeploy PORT PLACE ONE.so TWO.so ROUNDS
 *
 * hark serves the function `version` from PLACE, which is ONE.so at first. In each round the other one takes
 * its place by rename(2), while messages come a thousand times a second; prints the median, in microseconds,
 * from the rename to the first answer of the new version. */
#include "samples.h"
#include "shared/clock.h"
#include "wire_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BYTES = 65536, PERIOD_MS = 1 };

#define PATIENCE_NS (20 * NS_PER_S)

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "redeploy: %s\n", what);
    exit(EXIT_FAILURE);
}

static void copy(const char *from, const char *to)
{
    static char bytes[COPY_BYTES];
    ssize_t n;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (in < 0 || out < 0)
        die(strerror(errno));
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)n) != n)
            die("cannot write the new version");
    close(in);
    if (n < 0 || close(out) < 0)
        die(strerror(errno));
}

/* Sends a message; true: among the answers until the next one is due was one of that version. */
static bool is_answered_by(struct wire_client *c, char version)
{
    struct wire_message m;
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    wire_client_publish(c, "bench/version/in/0", 1, "x", 1);
    (void)wire_client_flush(c);
    if (poll(&p, 1, PERIOD_MS) > 0)
        wire_client_receive(c);
    while (wire_client_take(c, &m))
        if (m.payload_len == 1 && *m.payload == (uint8_t)version)
            return true;
    return false;
}

static void await_version(struct wire_client *c, char version, uint64_t from_ns)
{
    while (!is_answered_by(c, version))
        if (clock_now_ns() > from_ns + PATIENCE_NS)
            die("the new version does not answer");
}

static void replace(struct samples *times, struct wire_client *c, const char *place, const char *by,
                    char version)
{
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.new", place);
    copy(by, beside);
    uint64_t start_ns = clock_now_ns();
    if (rename(beside, place) < 0)
        die(strerror(errno));
    await_version(c, version, start_ns);
    samples_add(times, clock_now_ns() - start_ns);
}

int main(int argc, char **argv)
{
    struct wire_client client;
    struct samples times = {0};
    unsigned long rounds = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;
    if (rounds == 0) {
        fprintf(stderr, "usage: bench_redeploy PORT PLACE ONE.so TWO.so ROUNDS\n");
        return 64;
    }
    wire_client_open(&client, (uint16_t)strtoul(argv[1], NULL, 10), "bench-redeploy", "bench/version/out/#");
    await_version(&client, '1', clock_now_ns());
    for (unsigned long i = 0; i < rounds; i++)
        replace(&times, &client, argv[2], argv[3 + (i + 1) % 2], i % 2 ? '1' : '2');
    printf("%.1f\n", samples_percentile_us(&times, 50));
    samples_finish(&times);
    wire_client_close(&client);
    return EXIT_SUCCESS;
}
