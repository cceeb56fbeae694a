#include "audit/client.h"

#include "shared/check.h"
#include "support/port.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    CONNACK_MS = 10000,
    RECEIVE_MAXIMUM_DEFAULT = 65535,
    PROPERTY_SESSION_EXPIRY = 0x11,
    PROPERTY_RECEIVE_MAXIMUM = 0x21
};

/* ---- bytes out ---- */

static void put8(struct buffer *b, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    buffer_append(b, &byte, 1);
}

static void put16(struct buffer *b, unsigned value)
{
    put8(b, value >> 8);
    put8(b, value & 0xff);
}

static void put_length(struct buffer *b, size_t len)
{
    do {
        put8(b, (len & 0x7f) | (len > 0x7f ? 0x80 : 0));
        len >>= 7;
    } while (len);
}

static void put_text(struct buffer *b, const char *text)
{
    put16(b, (unsigned)strlen(text));
    buffer_append(b, text, strlen(text));
}

static void queue_connect(struct client *c)
{
    put8(&c->out, 0x10);
    put_length(&c->out, 10 + 6 + 2 + strlen(c->id));
    put_text(&c->out, "MQTT");
    put8(&c->out, 5);
    put8(&c->out, 0);  /* Clean Start 0, no will, nobody's password */
    put16(&c->out, 0); /* no keep alive */
    put_length(&c->out, 5);
    put8(&c->out, PROPERTY_SESSION_EXPIRY);
    put16(&c->out, 0xffff); /* never */
    put16(&c->out, 0xffff);
    put_text(&c->out, c->id);
}

void client_subscribe(struct client *c, const char *filter, uint8_t qos, uint16_t id)
{
    put8(&c->out, 0x82);
    put_length(&c->out, 2 + 1 + 2 + strlen(filter) + 1);
    put16(&c->out, id);
    put_length(&c->out, 0);
    put_text(&c->out, filter);
    put8(&c->out, qos);
}

void client_publish(struct client *c, const struct outgoing *o)
{
    put8(&c->out, 0x30u | (unsigned)o->is_again << 3 | (unsigned)o->qos << 1);
    put_length(&c->out, 2 + strlen(o->topic) + 2 + 1 + o->payload_len);
    put_text(&c->out, o->topic);
    put16(&c->out, o->id);
    put_length(&c->out, 0);
    buffer_append(&c->out, o->payload, o->payload_len);
}

void client_answer(struct client *c, enum packet_type type, uint16_t id)
{
    put8(&c->out, (unsigned)type << 4 | (type == PUBREL ? 2 : 0));
    put_length(&c->out, 2);
    put16(&c->out, id);
}

/* ---- the connection ---- */

void client_init(struct client *c, uint16_t port, const char *id)
{
    *c = (struct client){.port = port, .id = id, .fd = -1};
}

void client_finish(struct client *c)
{
    client_break(c);
    buffer_finish(&c->in);
    buffer_finish(&c->out);
}

bool client_is_open(const struct client *c)
{
    return c->fd >= 0;
}

void client_break(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static void write_out(struct client *c)
{
    while (client_is_open(c) && buffer_length(&c->out)) {
        ssize_t n = send(c->fd, buffer_data(&c->out), buffer_length(&c->out), MSG_NOSIGNAL);
        if (n <= 0)
            client_break(c);
        else
            buffer_consume(&c->out, (size_t)n);
    }
}

static void read_in(struct client *c)
{
    uint8_t *room = buffer_reserve(&c->in, READ_BYTES);
    CHECK(room);
    ssize_t n = recv(c->fd, room, READ_BYTES, MSG_DONTWAIT);
    if (n > 0)
        buffer_commit(&c->in, (size_t)n);
    else
        client_break(c);
}

void client_turn(struct client *c, int other_fd, int within_ms)
{
    write_out(c);
    struct pollfd polls[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = other_fd, .events = POLLIN}};
    if (poll(polls, 2, within_ms) > 0 && polls[0].revents)
        read_in(c);
}

bool client_next(struct client *c, struct packet *ret_packet)
{
    if (!packet_take(&c->in, ret_packet))
        return false;
    if (ret_packet->type == DISCONNECT)
        client_break(c);
    return ret_packet->type != DISCONNECT;
}

static void take_connack(struct client *c, const struct packet *p)
{
    unsigned maximum = RECEIVE_MAXIMUM_DEFAULT;
    packet_number(p, PROPERTY_RECEIVE_MAXIMUM, &maximum);
    c->receive_maximum = (uint16_t)maximum;
    c->session_present = p->session_present;
}

bool client_open(struct client *c)
{
    buffer_clear(&c->in);
    buffer_clear(&c->out);
    c->fd = port_connect(c->port);
    if (!client_is_open(c))
        return false;
    queue_connect(c);
    struct packet p;
    client_turn(c, -1, CONNACK_MS);
    if (client_is_open(c) && client_next(c, &p) && p.type == CONNACK && p.reason == 0)
        take_connack(c, &p);
    else
        client_break(c);
    return client_is_open(c);
}
