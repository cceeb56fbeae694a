#include "mqtt/client_internal.h"

#include "shared/clock.h"

#include <errno.h>

/* Sealed in one go: bounds how long a large output holds up the loop, and the memory beside it. */
enum { SEAL_MAX = 256 * 1024 };

/* ---- a handshake that fails ---- */

static void say_why(struct mqtt_client *c)
{
    const char *text;
    enum mqtt_cause cause = tls_why(c->link->tls, &text);
    client_set_why(c, cause, "%s", text);
}

void secure_lost(struct mqtt_client *c, int error)
{
    if (error == UV_EOF || error == UV_ECONNRESET || error == UV_EPIPE)
        client_set_why(
            c, MQTT_CAUSE_NETWORK,
            "%s closed the connection during the TLS handshake: is it the port of its TLS listener?",
            c->endpoint);
    else
        client_set_why(c, MQTT_CAUSE_NETWORK, "lost %s during the TLS handshake: %s", c->endpoint,
                       connect_words(error));
    connect_failed(c);
}

void secure_late(struct mqtt_client *c)
{
    client_set_why(c, MQTT_CAUSE_NETWORK, "%s does not go on with the TLS handshake: is it a TLS listener?",
                   c->endpoint);
    connect_failed(c);
}

/* ---- out ---- */

/* One record layer call for all that a turn has queued, up to SEAL_MAX. */
static int seal(struct link *link, struct buffer *out)
{
    size_t len = buffer_length(out);
    if (buffer_failed(out))
        return UV_ENOMEM;
    if (len > SEAL_MAX)
        len = SEAL_MAX;
    int error = tls_write(link->tls, buffer_data(out), len);
    if (error)
        return error == -ENOMEM ? UV_ENOMEM : UV_EPROTO;
    buffer_consume(out, len);
    return 0;
}

/* As long as the kernel takes it; the rest waits in plain, where the session counts it. */
int secure_send(struct mqtt_client *c)
{
    struct link *link = c->link;
    struct buffer *out = link->web ? &link->web->out : mqtt_session_output(client_session(c));
    bool has_plain = c->phase != CLIENT_SECURING;
    int error;
    do {
        error = link->web ? web_wrap(c) : 0;
        if (!error && has_plain)
            error = seal(link, out);
        if (!error)
            error = stream_send(link, tls_output(link->tls));
    } while (!error && link->in_flight == 0 && stream_has_more(c));
    if (!error)
        buffer_trim(tls_output(link->tls));
    if (!error && link->web)
        buffer_trim(&link->web->out);
    return error;
}

int secure_end(struct mqtt_client *c)
{
    tls_close(c->link->tls);
    return stream_send(c->link, tls_output(c->link->tls));
}

/* ---- in ---- */

/* As much as there is room for in one piece: what one read brought is parsed in one go. */
static ssize_t fill(struct tls *tls, uv_buf_t room, size_t *ret_len)
{
    ssize_t n = 1;
    *ret_len = 0;
    while (n > 0 && *ret_len < room.len) {
        n = tls_read(tls, room.base + *ret_len, room.len - *ret_len);
        *ret_len += n > 0 ? (size_t)n : 0;
    }
    return n;
}

static void ended(struct mqtt_client *c, ssize_t why)
{
    if (why == 0) {
        stream_lost(c, UV_EOF);
        return;
    }
    if (c->phase != CLIENT_ENDING)
        say_why(c);
    if (c->phase == CLIENT_UPGRADING)
        connect_failed(c);
    else
        stream_over(c);
}

static bool took(struct mqtt_client *c, uint8_t *data, size_t len)
{
    return c->link->web ? web_took(c, data, len) : stream_took(c, len);
}

static void read_plain(struct mqtt_client *c)
{
    ssize_t n = 1;
    while (n > 0) {
        size_t len;
        uv_buf_t room = stream_room(c);
        if (room.len == 0) {
            stream_lost(c, UV_ENOMEM);
            return;
        }
        n = fill(c->link->tls, room, &len);
        if (len > 0 && !took(c, (uint8_t *)room.base, len))
            return;
    }
    if (n != -EAGAIN)
        ended(c, n);
}

/* What is left in the output of a handshake that fails is an alert: the broker's log is to have it too. */
static bool handshake(struct mqtt_client *c)
{
    struct link *link = c->link;
    int error = tls_handshake(link->tls);
    if (error == -EPROTO) {
        uv_buf_t alert = uv_buf_init((char *)buffer_data(tls_output(link->tls)),
                                     (unsigned)buffer_length(tls_output(link->tls)));
        if (alert.len > 0 && link->in_flight == 0)
            uv_try_write((uv_stream_t *)&link->tcp, &alert, 1);
        say_why(c);
        connect_failed(c);
    } else if (error == 0 && c->target) {
        web_start(c);
    } else if (error == 0) {
        stream_open(c);
    } else {
        stream_flush(c);
    }
    return error == 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_bytes)
{
    struct mqtt_client *c = ((struct link *)handle->data)->client;
    (void)suggested;
    *ret_bytes = uv_buf_init((char *)c->io->sealed_buffer, READ_BYTES);
}

/* The end of TCP alone is no end of TLS: anybody on the way could have caused it (RFC 8446 section 6.1). */
static int end_of_tcp(const struct mqtt_client *c, int error)
{
    return error == UV_EOF && c->phase != CLIENT_SECURING ? UV_ECONNABORTED : error;
}

static void on_read(uv_stream_t *stream, ssize_t read, const uv_buf_t *bytes)
{
    struct link *link = stream->data;
    struct mqtt_client *c = link->client;
    if (read < 0) {
        stream_lost(c, link->write_error ? link->write_error : end_of_tcp(c, (int)read));
        return;
    }
    if (read == 0 || (c->phase == CLIENT_ENDING && !link->web))
        return;
    tls_input(link->tls, bytes->base, (size_t)read);
    if (c->phase != CLIENT_SECURING || handshake(c))
        read_plain(c);
    tls_input(link->tls, NULL, 0); /* the memory is shared */
    if (c->link == link && buffer_length(tls_output(link->tls)) > 0)
        io_mark(c); /* TLS has something to say of its own */
}

/* ---- the begin ---- */

void secure_start(struct mqtt_client *c)
{
    struct link *link = c->link;
    link->tls = tls_create(c->tls, c->host, c->endpoint);
    int error = link->tls ? uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read) : UV_ENOMEM;
    c->phase = CLIENT_SECURING;
    c->due_ns = clock_now_ns() + c->timing.address_timeout_ns;
    if (error) {
        secure_lost(c, error);
        return;
    }
    uv_tcp_nodelay(&link->tcp, 1);
    handshake(c);
    client_arm_timer(c);
}
