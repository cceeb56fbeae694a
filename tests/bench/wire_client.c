#include "wire_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBACK = 9 };
enum { READ_BYTES = 256 * 1024 };

/* One packet of the input, header bytes already split. */
struct packet {
    uint8_t first;
    const uint8_t *body;
    size_t len;
    size_t whole; /* bytes of the packet, header included */
};

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "bench: the broker: %s\n", what);
    exit(EXIT_FAILURE);
}

static void append_byte(struct buffer *b, unsigned byte)
{
    buffer_append(b, &(uint8_t){(uint8_t)byte}, 1);
}

static void append_u16(struct buffer *b, size_t value)
{
    append_byte(b, (unsigned)(value >> 8));
    append_byte(b, value & 0xff);
}

static void append_string(struct buffer *b, const char *text)
{
    append_u16(b, strlen(text));
    buffer_append(b, text, strlen(text));
}

static void append_header(struct buffer *b, unsigned first, size_t len)
{
    append_byte(b, first);
    for (; len > 127; len >>= 7)
        append_byte(b, 0x80 | (len & 0x7f));
    append_byte(b, (unsigned)len);
}

/* False: the packet is not complete yet. */
static bool split_packet(struct buffer *b, struct packet *ret_packet)
{
    const uint8_t *data = buffer_data(b);
    size_t have = buffer_length(b), len = 0, at = 1;
    for (unsigned shift = 0; at < have && shift < 28; shift += 7) {
        len |= (size_t)(data[at] & 0x7f) << shift;
        if (data[at++] & 0x80)
            continue;
        if (have - at < len)
            return false;
        *ret_packet = (struct packet){.first = data[0], .body = data + at, .len = len, .whole = at + len};
        return true;
    }
    return false;
}

static uint16_t next_id(struct wire_client *c)
{
    if (++c->last_id == 0)
        c->last_id = 1;
    return c->last_id;
}

static void connect_loopback(struct wire_client *c, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address))
        give_up(strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static void queue_connect(struct wire_client *c, const char *id)
{
    append_header(&c->out, 0x10, 10 + 2 + strlen(id));
    append_string(&c->out, "MQTT");
    append_byte(&c->out, 4); /* 3.1.1 */
    append_byte(&c->out, 2); /* clean session */
    append_u16(&c->out, 0);  /* no keep-alive */
    append_string(&c->out, id);
}

static void queue_subscribe(struct wire_client *c, const char *filter)
{
    append_header(&c->out, 0x82, 2 + 2 + strlen(filter) + 1);
    append_u16(&c->out, next_id(c));
    append_string(&c->out, filter);
    append_byte(&c->out, 1);
}

/* The socket blocks still. */
static void expect_packet(struct wire_client *c, unsigned type)
{
    struct packet packet;
    while (!split_packet(&c->in, &packet))
        wire_client_receive(c);
    /* the last byte of a CONNACK and of a SUBACK says whether it went well */
    if (packet.first >> 4 != type || packet.len < 2 || packet.body[packet.len - 1] > 1)
        give_up("refuses the benchmark's client");
    buffer_consume(&c->in, packet.whole);
}

void wire_client_open(struct wire_client *c, uint16_t port, const char *id, const char *filter)
{
    *c = (struct wire_client){0};
    connect_loopback(c, port);
    queue_connect(c, id);
    wire_client_flush(c);
    expect_packet(c, CONNACK);
    queue_subscribe(c, filter);
    wire_client_flush(c);
    expect_packet(c, SUBACK);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

void wire_client_publish(struct wire_client *c, const char *topic, uint8_t qos, const void *payload,
                         size_t len)
{
    append_header(&c->out, 0x30u | (unsigned)qos << 1, 2 + strlen(topic) + (qos ? 2 : 0) + len);
    append_string(&c->out, topic);
    if (qos)
        append_u16(&c->out, next_id(c));
    buffer_append(&c->out, payload, len);
}

bool wire_client_flush(struct wire_client *c)
{
    while (buffer_length(&c->out) > 0) {
        ssize_t n = send(c->fd, buffer_data(&c->out), buffer_length(&c->out), MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0)
            give_up(strerror(errno));
        buffer_consume(&c->out, (size_t)n);
    }
    return true;
}

void wire_client_receive(struct wire_client *c)
{
    uint8_t *room = buffer_reserve(&c->in, READ_BYTES);
    if (!room)
        give_up("no memory");
    ssize_t n = recv(c->fd, room, READ_BYTES, 0);
    if (n == 0)
        give_up("hung up");
    if (n < 0 && errno != EAGAIN)
        give_up(strerror(errno));
    if (n > 0)
        buffer_commit(&c->in, (size_t)n);
}

static struct wire_message read_publish(struct wire_client *c, const struct packet *p)
{
    unsigned qos = p->first >> 1 & 3;
    size_t topic_len = p->len < 2 ? 0 : (size_t)p->body[0] << 8 | p->body[1];
    size_t at = 2 + topic_len + (qos ? 2 : 0);
    if (at > p->len)
        give_up("a malformed PUBLISH");
    if (qos) {
        append_header(&c->out, PUBACK << 4, 2);
        buffer_append(&c->out, p->body + 2 + topic_len, 2);
    }
    return (struct wire_message){.payload = p->body + at, .payload_len = p->len - at};
}

bool wire_client_take(struct wire_client *c, struct wire_message *ret_message)
{
    struct packet packet;
    while (split_packet(&c->in, &packet)) {
        bool is_publish = packet.first >> 4 == PUBLISH;
        if (is_publish)
            *ret_message = read_publish(c, &packet);
        buffer_consume(&c->in, packet.whole); /* its bytes stay where they are until the next receive */
        if (is_publish)
            return true;
    }
    return false;
}

void wire_client_close(struct wire_client *c)
{
    close(c->fd);
    buffer_finish(&c->in);
    buffer_finish(&c->out);
}
