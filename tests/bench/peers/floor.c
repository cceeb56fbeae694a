/* floor.c: what answering costs when there is nothing around it: no library, no isolation, no function. It
 * reads what there is, turns each message on bench/NAME/in/N into one on bench/NAME/out/N within the bytes
 * that it sends, and writes all answers of a read at once. It checks nothing and could not be used; nobody
 * can be faster with one read and one write for a batch.
 *
 *     bench_floor PORT NAME [apart]
 *
 * apart: the answers go to a second process and come back before they are sent, over a bare socketpair.
 * Nobody who keeps handlers in a process of their own can be faster.
 *
 * Says `ready` on standard output once it is subscribed, and runs until SIGTERM or the broker's end. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM_BYTES = 4 << 20, NAME_BYTES = 64, TRIP_BYTES = 32 << 10 };

static char in_prefix[NAME_BYTES], out_prefix[NAME_BYTES];
static size_t in_prefix_len, out_prefix_len;
static uint8_t in[ROOM_BYTES], out[2 * ROOM_BYTES];
static size_t in_len, out_len;
static uint16_t last_id;

static void put(const void *bytes, size_t len)
{
    memcpy(out + out_len, bytes, len);
    out_len += len;
}

static void put_number(unsigned value)
{
    put((const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_head(unsigned first, size_t len)
{
    out[out_len++] = (uint8_t)first;
    for (; len > 0x7f; len >>= 7)
        out[out_len++] = (uint8_t)(len | 0x80);
    out[out_len++] = (uint8_t)len;
}

static uint16_t next_id(void)
{
    return ++last_id ? last_id : ++last_id;
}

/* MQTT 3.1.1: a PUBLISH is topic, packet id above QoS 0, payload. */
static void answer(unsigned first, const uint8_t *body, size_t len)
{
    size_t topic_bytes = (size_t)body[0] << 8 | body[1];
    const uint8_t *number = body + 2 + in_prefix_len, *rest = body + 2 + topic_bytes;
    size_t number_bytes = topic_bytes - in_prefix_len, out_topic_bytes = out_prefix_len + number_bytes;
    bool has_id = first & 2;
    const uint8_t *data = rest + (has_id ? 2 : 0);
    size_t bytes = (size_t)(body + len - data);
    put_head(0x30 | (has_id ? 2 : 0), 2 + out_topic_bytes + (has_id ? 2 : 0) + bytes);
    put_number((unsigned)out_topic_bytes);
    put(out_prefix, out_prefix_len);
    put(number, number_bytes);
    if (has_id)
        put_number(next_id());
    put(data, bytes);
    if (has_id) {
        put_head(0x40, 2);
        put(rest, 2);
    }
}

static void obey(unsigned first, const uint8_t *body, size_t len)
{
    if (first >> 4 == 3)
        answer(first, body, len);
    else if (first >> 4 == 9 && puts("ready") >= 0)
        fflush(stdout);
}

static void obey_all(void)
{
    size_t at = 0;
    for (;;) {
        size_t len = 0, body = at + 1;
        unsigned shift = 0;
        while (body < in_len && in[body] & 0x80 && shift < 21) {
            len |= (size_t)(in[body++] & 0x7f) << shift;
            shift += 7;
        }
        if (body >= in_len)
            break;
        len |= (size_t)in[body++] << shift;
        if (in_len - body < len)
            break;
        obey(in[at], in + body, len);
        at = body + len;
    }
    memmove(in, in + at, in_len - at);
    in_len -= at;
}

static int connect_loopback(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        exit(EXIT_FAILURE);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

static void send_all(int fd, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, bytes + at, len - at, MSG_NOSIGNAL);
        if (n <= 0)
            exit(EXIT_SUCCESS);
        at += (size_t)n;
    }
}

/* The second process: what comes goes back. It ends with the first. */
static _Noreturn void echo(int fd)
{
    static uint8_t bytes[TRIP_BYTES];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            exit(EXIT_SUCCESS);
        send_all(fd, bytes, (size_t)n);
    }
}

/* The near end of a socketpair. */
static int start_second(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        exit(EXIT_FAILURE);
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        echo(pair[1]);
    }
    close(pair[1]);
    return pid < 0 ? exit(EXIT_FAILURE), -1 : pair[0];
}

/* In pieces that the socket takes without anybody reading. */
static void send_on_a_trip(int second)
{
    for (size_t at = 0, end = 0; at < out_len;) {
        if (at == end) {
            end += out_len - at < TRIP_BYTES ? out_len - at : TRIP_BYTES;
            send_all(second, out + at, end - at);
        }
        ssize_t n = recv(second, out + at, end - at, 0);
        if (n <= 0)
            exit(EXIT_FAILURE);
        at += (size_t)n;
    }
}

static void introduce(const char *client)
{
    size_t client_len = strlen(client);
    put_head(0x10, 10 + 2 + client_len);
    put("\0\4MQTT\4\2\0\0", 10); /* 3.1.1, clean session, no keep-alive */
    put_number((unsigned)client_len);
    put(client, client_len);
    put_head(0x82, 2 + 2 + in_prefix_len + 1 + 1);
    put_number(next_id());
    put_number((unsigned)in_prefix_len + 1);
    put(in_prefix, in_prefix_len);
    put("+\1", 2);
}

static int run(int fd, int second)
{
    for (;;) {
        if (second >= 0)
            send_on_a_trip(second);
        send_all(fd, out, out_len);
        out_len = 0;
        ssize_t n = recv(fd, in + in_len, sizeof in - in_len, 0);
        if (n <= 0)
            return EXIT_SUCCESS;
        in_len += (size_t)n;
        obey_all();
    }
}

int main(int argc, char **argv)
{
    bool is_apart = argc == 4 && strcmp(argv[3], "apart") == 0;
    if ((argc != 3 && !is_apart) || strlen(argv[2]) > NAME_BYTES - sizeof "bench//out/") {
        fprintf(stderr, "usage: bench_floor PORT NAME [apart]\n");
        return 64;
    }
    in_prefix_len = (size_t)snprintf(in_prefix, sizeof in_prefix, "bench/%s/in/", argv[2]);
    out_prefix_len = (size_t)snprintf(out_prefix, sizeof out_prefix, "bench/%s/out/", argv[2]);
    int second = is_apart ? start_second() : -1;
    int fd = connect_loopback((uint16_t)strtoul(argv[1], NULL, 10));
    introduce(argv[2]);
    return run(fd, second);
}
