/* floor.c: what answering costs when there is nothing around it: no library, no isolation, no function. It
 * reads what there is, turns each message on bench/floor/in/N into one on bench/floor/out/N within the bytes
 * that it sends, and writes all answers of a read at once. It checks nothing and could not be used; nobody
 * can be faster with one read and one write for a batch.
 *
 *     bench_floor PORT
 *
 * Says `ready` on standard output once it is subscribed, and runs until SIGTERM or the broker's end. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM_BYTES = 4 << 20, STEM_BYTES = sizeof "bench/floor/in/" - 1 };

static const char out_prefix[] = "bench/floor/out/";
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
    const uint8_t *number = body + 2 + STEM_BYTES, *rest = body + 2 + topic_bytes;
    size_t number_bytes = topic_bytes - STEM_BYTES, out_topic_bytes = sizeof out_prefix - 1 + number_bytes;
    bool has_id = first & 2;
    const uint8_t *data = rest + (has_id ? 2 : 0);
    size_t bytes = (size_t)(body + len - data);
    put_head(0x30 | (has_id ? 2 : 0), 2 + out_topic_bytes + (has_id ? 2 : 0) + bytes);
    put_number((unsigned)out_topic_bytes);
    put(out_prefix, sizeof out_prefix - 1);
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

static void send_all(int fd)
{
    for (size_t at = 0; at < out_len;) {
        ssize_t n = send(fd, out + at, out_len - at, MSG_NOSIGNAL);
        if (n <= 0)
            exit(EXIT_SUCCESS);
        at += (size_t)n;
    }
    out_len = 0;
}

static void introduce(void)
{
    static const char filter[] = "bench/floor/in/+", client[] = "floor";
    put_head(0x10, 10 + 2 + sizeof client - 1);
    put("\0\4MQTT\4\2\0\0", 10); /* 3.1.1, clean session, no keep-alive */
    put_number(sizeof client - 1);
    put(client, sizeof client - 1);
    put_head(0x82, 2 + 2 + sizeof filter - 1 + 1);
    put_number(next_id());
    put_number(sizeof filter - 1);
    put(filter, sizeof filter - 1);
    put("\1", 1);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bench_floor PORT\n");
        return 64;
    }
    int fd = connect_loopback((uint16_t)strtoul(argv[1], NULL, 10));
    introduce();
    for (;;) {
        send_all(fd);
        ssize_t n = recv(fd, in + in_len, sizeof in - in_len, 0);
        if (n <= 0)
            return EXIT_SUCCESS;
        in_len += (size_t)n;
        obey_all();
    }
}
