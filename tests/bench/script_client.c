#include "script_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 20, ACK_BYTES = 64 };

enum packet {
    CONNECT = 1,
    CONNACK,
    PUBLISH,
    PUBACK,
    SUBSCRIBE = 8,
    SUBACK,
    UNSUBSCRIBE,
    UNSUBACK,
    PINGREQ,
    PINGRESP,
    DISCONNECT
};

/* The body of a packet that is being read. */
struct reader {
    const uint8_t *data;
    size_t len, at;
};

_Noreturn void script_die(const char *what)
{
    fprintf(stderr, "scripted_broker: %s\n", what);
    exit(EXIT_FAILURE);
}

/* ---- reading ---- */

static const uint8_t *take(struct reader *r, size_t bytes)
{
    if (bytes > r->len - r->at)
        script_die("a packet breaks off");
    r->at += bytes;
    return r->data + r->at - bytes;
}

static unsigned take_byte(struct reader *r)
{
    return *take(r, 1);
}

static unsigned take_number(struct reader *r)
{
    const uint8_t *two = take(r, 2);
    return (unsigned)two[0] << 8 | two[1];
}

static unsigned take_variable(struct reader *r)
{
    unsigned value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
        unsigned byte = take_byte(r);
        value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

static void skip_string(struct reader *r)
{
    (void)take(r, take_number(r));
}

/* Of the properties that CONNECT and SUBSCRIBE have, the two that matter here. */
static void take_property(struct reader *r, struct script_client *c)
{
    switch (take_byte(r)) {
    case 0x0b:
        c->subscription = take_variable(r);
        break;
    case 0x21:
        c->receive_maximum = take_number(r);
        break;
    case 0x11:
    case 0x27:
        (void)take(r, 4);
        break;
    case 0x22:
        (void)take(r, 2);
        break;
    case 0x17:
    case 0x19:
        (void)take(r, 1);
        break;
    default:
        script_die("a property that no client of the benchmark sends");
    }
}

static void take_properties(struct reader *r, struct script_client *c)
{
    size_t bytes = take_variable(r), end = r->at + bytes;
    while (r->at < end)
        take_property(r, c);
}

/* ---- writing ---- */

void script_put_byte(struct buffer *out, unsigned byte)
{
    uint8_t one = (uint8_t)byte;
    buffer_append(out, &one, 1);
}

void script_put_variable(struct buffer *out, unsigned value)
{
    for (; value > 0x7f; value >>= 7)
        script_put_byte(out, value | 0x80);
    script_put_byte(out, value);
}

static void put(struct script_client *c, unsigned type, const uint8_t *body, size_t len)
{
    script_put_byte(&c->out, type << 4);
    script_put_variable(&c->out, (unsigned)len);
    buffer_append(&c->out, body, len);
}

/* ---- a client's packets ---- */

static void on_connect(struct script_client *c, struct reader *r)
{
    skip_string(r);
    c->is_v5 = take_byte(r) == 5;
    (void)take(r, 3);
    c->receive_maximum = SCRIPT_IDS;
    if (c->is_v5)
        take_properties(r, c);
    put(c, CONNACK, (const uint8_t[]){0, 0, 0}, c->is_v5 ? 3 : 2);
}

static void on_subscribe(struct script_client *c, struct reader *r)
{
    uint8_t ack[ACK_BYTES] = {0};
    memcpy(ack, take(r, 2), 2);
    size_t ack_len = c->is_v5 ? 3 : 2;
    if (c->is_v5)
        take_properties(r, c);
    while (r->at < r->len && ack_len < sizeof ack) {
        size_t bytes = take_number(r);
        snprintf(c->filter, sizeof c->filter, "%.*s", (int)bytes, (const char *)take(r, bytes));
        ack[ack_len++] = (uint8_t)(take_byte(r) & 3);
    }
    put(c, SUBACK, ack, ack_len);
}

static void on_unsubscribe(struct script_client *c, struct reader *r)
{
    uint8_t ack[4] = {0};
    memcpy(ack, take(r, 2), 2);
    put(c, UNSUBACK, ack, c->is_v5 ? 4 : 2);
}

static void on_publish(struct script_client *c, unsigned flags, struct reader *r)
{
    const struct script_answers *wanted = &c->answers;
    unsigned qos = flags >> 1 & 3;
    skip_string(r);
    if (qos == 2)
        script_die("an answer at QoS 2");
    if (qos == 1)
        put(c, PUBACK, take(r, 2), 2);
    if (c->is_v5)
        (void)take(r, take_variable(r));
    if (wanted->are_wanted && (qos != wanted->qos || r->len - r->at != wanted->bytes))
        script_die("an answer of another QoS or length than its message");
    c->answered++;
    c->answers.come++;
}

/* It works on what it was sent, so it knows of an answer's PUBACK after the next send at the earliest. */
static void on_puback(struct script_client *c)
{
    c->acked++;
    c->answers.early += ++c->answers.settled > c->answers.told;
}

/* false: the client has gone, politely. */
static bool obey(struct script_client *c, uint8_t first, struct reader *r)
{
    switch (first >> 4) {
    case CONNECT:
        on_connect(c, r);
        return true;
    case PUBLISH:
        on_publish(c, first & 0xf, r);
        return true;
    case PUBACK:
        on_puback(c);
        return true;
    case SUBSCRIBE:
        on_subscribe(c, r);
        return true;
    case UNSUBSCRIBE:
        on_unsubscribe(c, r);
        return true;
    case PINGREQ:
        put(c, PINGRESP, NULL, 0);
        return true;
    case DISCONNECT:
        return false;
    default:
        script_die("a packet of an unknown type");
    }
}

/* Bytes of the packet at data[len]; 0: it is not whole yet. */
static size_t whole(const uint8_t *data, size_t len, size_t *ret_header)
{
    size_t value = 0, at = 1;
    for (int shift = 0; shift < 28; shift += 7, at++) {
        if (at >= len)
            return 0;
        value |= (size_t)(data[at] & 0x7f) << shift;
        if (!(data[at] & 0x80))
            break;
    }
    *ret_header = ++at;
    return len >= at + value ? at + value : 0;
}

static bool obey_all(struct script_client *c)
{
    size_t header, bytes;
    bool stays = true;
    while (stays && (bytes = whole(buffer_data(&c->in), buffer_length(&c->in), &header)) > 0) {
        const uint8_t *packet = buffer_data(&c->in);
        struct reader body = {packet + header, bytes - header, 0};
        stays = obey(c, packet[0], &body);
        buffer_consume(&c->in, bytes);
    }
    return stays;
}

/* ---- its socket ---- */

void script_client_open(struct script_client *c, int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *c = (struct script_client){.fd = fd};
}

static void leave(struct script_client *c)
{
    close(c->fd);
    buffer_finish(&c->in);
    buffer_finish(&c->out);
    c->fd = -1;
}

void script_client_receive(struct script_client *c)
{
    uint8_t *room = buffer_reserve(&c->in, READ_BYTES);
    ssize_t n = recv(c->fd, room, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        leave(c);
        return;
    }
    buffer_commit(&c->in, (size_t)n);
    if (!obey_all(c))
        leave(c);
}

void script_client_flush(struct script_client *c)
{
    if (buffer_length(&c->out) == 0)
        return;
    ssize_t n = send(c->fd, buffer_data(&c->out), buffer_length(&c->out), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
        c->answers.told = c->answers.come;
        buffer_consume(&c->out, (size_t)n);
    } else if (errno != EAGAIN && errno != EINTR) {
        leave(c);
    }
}
