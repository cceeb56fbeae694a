#include "mqtt/client_internal.h"
#include "mqtt/tcp_line.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <stdlib.h>

enum {
    ENDING_NS = NS_PER_S,      /* for the last bytes and the broker's EOF */
    PARTIAL_KEPT_BYTES = 2048, /* of memory for the beginning of a packet, while there is none */
    WRITE_MAX = 1 << 30
};

/* ---- the handle ---- */

static void on_link_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    struct mqtt_client *c = link->client;
    if (link->tls)
        tls_destroy(link->tls);
    if (link->web)
        web_destroy(link->web);
    buffer_finish(&link->sending);
    free(link);
    close_handle_returned(c);
}

struct link *stream_create_link(struct mqtt_client *c)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    if (uv_tcp_init(c->io->loop, &link->tcp)) {
        free(link);
        return NULL;
    }
    link->tcp.data = link;
    link->client = c;
    c->handles++;
    return link;
}

void stream_drop_link(struct mqtt_client *c)
{
    io_impatient(c);
    if (c->link)
        uv_close((uv_handle_t *)&c->link->tcp, on_link_closed);
    c->link = NULL;
}

/* ---- the end ---- */

/* It lasted, or it got something done before it broke: a broker that closes after each refusal is worked
 * through, a refusal a connection. Not so when one of us had a reason to end it: busy is to be spared. */
static bool was_good(const struct mqtt_client *c, uint64_t now_ns)
{
    bool lasted = now_ns - c->online_ns >= c->timing.stable_ns;
    bool useful = c->cause == MQTT_CAUSE_NETWORK && client_done(c) > c->done;
    return c->online_ns && (lasted || useful);
}

void stream_over(struct mqtt_client *c)
{
    uint64_t now_ns = clock_now_ns();
    stream_drop_link(c);
    buffer_finish(&c->partial);
    c->expected = (struct expected){0};
    mqtt_session_lost(client_session(c), now_ns);
    if (was_good(c, now_ns))
        c->failures = 0;
    c->online_ns = 0;
    client_attempt_over(c);
}

/* What a broker may mean that ends the connection before it answered CONNECT. In the same words for all
 * versions that are tried in turn: what is said twice in a row is logged once. */
static void doubt(struct mqtt_client *c, char *ret_text, size_t size)
{
    bool may_be_3 = mqtt_session_protocol(c->session) == MQTT_5 || c->session_options.protocol == MQTT_AUTO;
    bool is_tried = c->session_options.protocol == MQTT_AUTO && mqtt_client_belief(c) != MQTT_SPEAKS_5;
    bool has_answered = c->tls || c->target; /* TLS, or the WebSocket request */
    const char *tls = has_answered ? ""
                      : may_be_3   ? "is it a TLS listener (mqtts://)"
                                   : "is it a TLS listener? write mqtts:// then";
    const char *version = !may_be_3      ? ""
                          : has_answered ? "does it speak only MQTT 3.1.1?"
                                         : ", or does it speak only MQTT 3.1.1?";
    const char *then = !may_be_3 ? "" : is_tried ? " that is tried too" : " say so in hark.yaml then";
    snprintf(ret_text, size, "%s%s%s%s", tls[0] || version[0] ? ": " : "", tls, version, then);
}

static void say_closed(struct mqtt_client *c, int error, enum mqtt_cause cause, const char *suspect)
{
    bool online = mqtt_session_state(client_session(c)) == MQTT_ONLINE;
    const char *when = online ? "" : " before it answered CONNECT";
    if (error == UV_EOF)
        client_set_why(c, cause, "%s closed the connection%s%s", c->endpoint, when, suspect);
    else
        client_set_why(c, cause, "lost %s: %s%s%s", c->endpoint, connect_words(error), when, suspect);
}

enum mqtt_cause stream_suspect(struct mqtt_client *c, bool in_order, char *ret_text, size_t size)
{
    bool online = mqtt_session_state(client_session(c)) == MQTT_ONLINE;
    bool knows_3 = mqtt_client_belief(c) == MQTT_TOOK_3_1_1;
    bool is_version = in_order && mqtt_session_hung_up(client_session(c));
    if (is_version && knows_3)
        snprintf(ret_text, size, " of MQTT 5, once more: 3.1.1 is next");
    else if (online)
        mqtt_session_suspect(client_session(c), ret_text, size);
    else
        doubt(c, ret_text, size);
    return is_version ? MQTT_CAUSE_VERSION : MQTT_CAUSE_NETWORK;
}

static void say_why_lost(struct mqtt_client *c, int error)
{
    bool closed = error == UV_EOF || error == UV_ECONNABORTED || error == UV_ECONNRESET || error == UV_EPIPE;
    enum mqtt_cause cause = MQTT_CAUSE_NETWORK;
    char suspect[SUSPECT_MAX] = "";
    if (closed)
        cause = stream_suspect(c, error == UV_EOF, suspect, sizeof suspect);
    say_closed(c, error, cause, suspect);
}

void stream_lost(struct mqtt_client *c, int error)
{
    if (c->phase == CLIENT_SECURING) {
        secure_lost(c, error);
        return;
    }
    if (c->phase == CLIENT_UPGRADING) {
        web_lost(c, error);
        return;
    }
    if (c->phase != CLIENT_ENDING) /* else why is known already */
        say_why_lost(c, error);
    stream_over(c);
}

/* Not simply uv_close: with bytes of the broker unread, the kernel would answer with RST, and the broker
 * could lose the acks and the DISCONNECT that are on their way. */
void stream_end(struct mqtt_client *c)
{
    c->phase = CLIENT_ENDING;
    c->due_ns = clock_now_ns() + ENDING_NS;
    buffer_finish(&c->partial); /* what it is the beginning of will not be read */
    if (!stream_has_more(c) && c->link->in_flight == 0 && !c->link->web) {
        stream_over(c);
        return;
    }
    io_mark(c);
    client_arm_timer(c);
}

static void session_is_over(struct mqtt_client *c)
{
    const char *text = "";
    enum mqtt_cause cause = mqtt_session_cause(client_session(c), &text);
    client_set_why(c, cause, "%s", text);
    stream_end(c);
}

/* ---- time ---- */

/* On a slow link PINGREQ stands in line behind a large output: as long as the line moves, the link is not a
 * dead one, and to give it up would mean to begin the output anew, for ever. */
static void look_at_line(struct mqtt_client *c, uint64_t now_ns)
{
    struct link *link = c->link;
    uint64_t acked = 0, waiting = 0;
    int fd;
    if (uv_fileno((uv_handle_t *)&link->tcp, &fd) == 0)
        tcp_line_look(fd, &acked, &waiting);
    bool handed = link->in_flight == 0 && buffer_length(mqtt_session_output(client_session(c))) == 0;
    bool moves = acked > link->acked;
    link->acked = acked;
    if (!mqtt_session_is_pinging(client_session(c))) {
        link->ping_end = 0;
        return;
    }
    if (handed && link->ping_end == 0)
        link->ping_end = acked + waiting;
    if (moves && (!handed || acked < link->ping_end))
        mqtt_session_ping_waits(client_session(c), now_ns);
}

void stream_tick(struct mqtt_client *c, uint64_t now_ns)
{
    struct buffer *out = mqtt_session_output(client_session(c));
    look_at_line(c, now_ns);
    if (mqtt_session_tick(client_session(c), now_ns)) {
        session_is_over(c);
        return;
    }
    /* A tick comes after a silence: memory that a burst needed can go. */
    buffer_trim(out);
    if (buffer_length(out) > 0)
        io_mark(c);
}

/* ---- out ---- */

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    (void)shutdown;
    (void)status; /* what comes next is EOF, an error or due_ns */
}

static void shut(struct mqtt_client *c)
{
    struct link *link = c->link;
    if (link->shut)
        return;
    link->shut = true;
    if (uv_shutdown(&link->shutdown, (uv_stream_t *)&link->tcp, on_shut))
        stream_over(c);
}

static uv_buf_t chunk(struct buffer *bytes)
{
    size_t len = buffer_length(bytes);
    return uv_buf_init((char *)buffer_data(bytes), (unsigned)(len < WRITE_MAX ? len : WRITE_MAX));
}

static int send_rest(struct link *link);

/* A broker that closes with bytes of ours unread resets the connection; its last words may be here already,
 * and say why. They are followed by EOF, or by the error. */
void stream_write_failed(struct mqtt_client *c, int error)
{
    bool listens = c->phase >= CLIENT_SECURING && c->phase <= CLIENT_OPEN;
    bool has_last_words = listens && (error == UV_EPIPE || error == UV_ECONNRESET);
    c->link->write_error = error;
    if (!has_last_words)
        stream_lost(c, error);
}

static void on_written(uv_write_t *write, int status)
{
    struct link *link = write->data;
    struct mqtt_client *c = link->client;
    if (c->link != link)
        return;
    buffer_consume(&link->sending, link->in_flight);
    link->in_flight = 0;
    if (status == 0 && buffer_length(&link->sending) > 0)
        status = send_rest(link);
    if (status)
        stream_write_failed(c, status);
    else if (link->in_flight == 0)
        stream_flush(c);
}

static int send_rest(struct link *link)
{
    uv_buf_t bytes = chunk(&link->sending);
    link->write.data = link;
    link->in_flight = bytes.len;
    return uv_write(&link->write, (uv_stream_t *)&link->tcp, &bytes, 1, on_written);
}

/* The whole output changes hands, without a copy; what the session adds meanwhile is the next batch. */
static int send_later(struct link *link, struct buffer *out)
{
    buffer_finish(&link->sending);
    link->sending = *out;
    *out = (struct buffer){0};
    return send_rest(link);
}

int stream_send(struct link *link, struct buffer *out)
{
    if (buffer_failed(out))
        return UV_ENOMEM; /* what is in it breaks off somewhere */
    if (buffer_length(out) == 0)
        return 0;
    uv_buf_t bytes = chunk(out);
    int written = uv_try_write((uv_stream_t *)&link->tcp, &bytes, 1);
    if (written < 0 && written != UV_EAGAIN)
        return written;
    buffer_consume(out, written < 0 ? 0 : (size_t)written);
    return buffer_length(out) > 0 ? send_later(link, out) : 0;
}

/* An error is for stream_flush, which comes upon it again. */
size_t stream_send_in_place(struct mqtt_client *c, struct buffer *out, struct slice bytes)
{
    struct link *link = c->link;
    bool is_plain = c->phase == CLIENT_OPEN && !link->tls && !link->web;
    size_t len = buffer_length(out);
    if (!is_plain || link->in_flight > 0 || link->write_error || len > WRITE_MAX)
        return 0;
    uv_buf_t parts[] = {chunk(out), uv_buf_init((char *)bytes.data, (unsigned)bytes.len)};
    int written = uv_try_write((uv_stream_t *)&link->tcp, parts, 2);
    size_t sent = written < 0 ? 0 : (size_t)written;
    buffer_consume(out, sent < len ? sent : len);
    return sent < len ? 0 : sent - len;
}

bool stream_has_more(struct mqtt_client *c)
{
    bool is_there = c->phase == CLIENT_OPEN || c->phase == CLIENT_ENDING;
    bool is_closed = c->link->web && c->link->web->said_close;
    return is_there && !is_closed && buffer_length(mqtt_session_output(client_session(c))) > 0;
}

/* One layer after the other takes what it can: the session's bytes, WebSocket's, TLS's. */
static int send_all(struct mqtt_client *c)
{
    struct link *link = c->link;
    if (link->tls)
        return secure_send(c);
    return link->web ? web_send(c) : stream_send(link, mqtt_session_output(client_session(c)));
}

/* All has been handed to TCP, and the broker is not owed time for an answer. */
static bool has_said_all(const struct mqtt_client *c)
{
    return c->phase == CLIENT_ENDING && c->link->in_flight == 0 && (!c->link->web || web_is_over(c));
}

void stream_flush(struct mqtt_client *c)
{
    struct link *link = c->link;
    if (link->in_flight > 0)
        return; /* on_written comes back here */
    buffer_finish(&link->sending);
    int error = link->write_error;
    if (!error)
        error = send_all(c);
    if (!error && link->tls && has_said_all(c))
        error = secure_end(c);
    if (error)
        stream_write_failed(c, error);
    else if (has_said_all(c))
        shut(c);
}

/* ---- in ---- */

/* Bytes of the packet that begins with data[len], header included; 0: its length has not arrived. */
static size_t announced_bytes(const uint8_t *data, size_t len)
{
    size_t value = 0;
    for (size_t i = 1; i < len && i <= 4; i++) {
        value |= (size_t)(data[i] & 0x7f) << (7 * (i - 1));
        if (!(data[i] & 0x80))
            return value + i + 1;
    }
    return 0;
}

/* Long packets seldom come alone: the next one is read where it is to stay, from its first byte. */
static bool reads_into_partial(const struct mqtt_client *c)
{
    return expected_in_place(&c->expected, buffer_length(&c->partial));
}

/* Room in a large packet's own memory. BUFFER_AHEAD times what has come, or as much as the last one had, and
 * never beyond the packet's end: so little is copied, and an announcement alone takes no memory. */
static uv_buf_t room_behind_partial(struct mqtt_client *c)
{
    size_t len = buffer_length(&c->partial);
    size_t announced = announced_bytes(buffer_data(&c->partial), len);
    size_t room = expected_missing(&c->expected, len);
    if (room < BUFFER_AHEAD * len)
        room = BUFFER_AHEAD * len;
    if (announced > len && announced - len < room)
        room = announced - len;
    uint8_t *memory = buffer_reserve(&c->partial, room);
    return uv_buf_init((char *)memory, memory ? (unsigned)room : 0);
}

/* What reads does so at once, so the shared buffer is ours that long. A short beginning of a packet is copied
 * to its front: cheaper than memory for the rest of it, and one read still takes all. */
uv_buf_t stream_room(struct mqtt_client *c)
{
    size_t len = buffer_length(&c->partial);
    if (reads_into_partial(c))
        return room_behind_partial(c);
    if (len > 0)
        memcpy(c->io->read_buffer, buffer_data(&c->partial), len);
    return uv_buf_init((char *)c->io->read_buffer + len, (unsigned)(READ_BYTES - len));
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_bytes)
{
    (void)suggested;
    *ret_bytes = stream_room(((struct link *)handle->data)->client);
}

static void keep(struct mqtt_client *c, const uint8_t *rest, size_t len)
{
    buffer_clear(&c->partial);
    if (len > 0)
        buffer_append(&c->partial, rest, len);
    else
        buffer_trim_to(&c->partial, PARTIAL_KEPT_BYTES);
}

static int feed_partial(struct mqtt_client *c)
{
    size_t announced = announced_bytes(buffer_data(&c->partial), buffer_length(&c->partial));
    expected_learn(&c->expected, announced);
    int error = mqtt_session_take_input(client_session(c), &c->partial, clock_now_ns());
    buffer_trim_to(&c->partial, PARTIAL_KEPT_BYTES);
    return error;
}

static int feed_shared(struct mqtt_client *c, size_t len)
{
    size_t used = 0;
    int error = mqtt_session_input(client_session(c), c->io->read_buffer, len, clock_now_ns(), &used);
    CHECK(used <= len);
    if (error == 0)
        keep(c, c->io->read_buffer + used, len - used);
    return error;
}

static int take(struct mqtt_client *c, size_t read)
{
    bool is_own = reads_into_partial(c);
    expected_read(&c->expected);
    if (!is_own)
        return feed_shared(c, buffer_length(&c->partial) + read);
    buffer_commit(&c->partial, read);
    return feed_partial(c);
}

bool stream_took(struct mqtt_client *c, size_t len)
{
    c->messages = 0;
    c->has_spoken = false;
    c->is_fed = true;
    int error = take(c, len);
    c->is_fed = false;
    if (error) {
        session_is_over(c);
        return false;
    }
    if (buffer_failed(&c->partial)) {
        stream_lost(c, UV_ENOMEM);
        return false;
    }
    bool may_wait = patience_took(c, len) && !c->has_spoken;
    if (c->closing || (!may_wait && buffer_length(mqtt_session_output(client_session(c))) > 0))
        io_mark(c);
    client_arm_timer(c);
    return true;
}

static void on_read(uv_stream_t *stream, ssize_t read, const uv_buf_t *bytes)
{
    struct link *link = stream->data;
    struct mqtt_client *c = link->client;
    if (read < 0)
        stream_lost(c, link->write_error ? link->write_error : (int)read);
    else if (read == 0)
        buffer_trim_to(&c->partial, PARTIAL_KEPT_BYTES); /* room was made for nothing */
    else if (read > 0 && link->web)
        web_took(c, (uint8_t *)bytes->base, (size_t)read);
    else if (read > 0 && c->phase != CLIENT_ENDING) /* what comes after our DISCONNECT concerns nobody */
        stream_took(c, (size_t)read);
}

int stream_read(struct mqtt_client *c)
{
    return uv_read_start((uv_stream_t *)&c->link->tcp, on_alloc, on_read);
}

void stream_open(struct mqtt_client *c)
{
    bool reads = c->link->tls || c->link->web;
    c->phase = CLIENT_OPEN;
    mqtt_session_opened(client_session(c), clock_now_ns());
    uv_tcp_nodelay(&c->link->tcp, 1);
    int error = reads ? 0 : stream_read(c);
    if (error) {
        stream_lost(c, error);
        return;
    }
    io_mark(c);
    client_arm_timer(c);
}
