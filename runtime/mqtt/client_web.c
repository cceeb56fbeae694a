#include "mqtt/client_internal.h"

#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { REASON_MAX = WS_CONTROL_MAX + 4 };

void web_destroy(struct web *web)
{
    buffer_finish(&web->out);
    buffer_finish(&web->answer);
    free(web);
}

/* ---- a handshake that fails ---- */

void web_lost(struct mqtt_client *c, int error)
{
    bool closed = error == UV_EOF || error == UV_ECONNABORTED || error == UV_ECONNRESET || error == UV_EPIPE;
    if (closed)
        client_set_why(
            c, MQTT_CAUSE_NETWORK,
            "%s closed the connection during the WebSocket handshake: is it the port of its WebSocket "
            "listener%s?",
            c->endpoint, c->tls ? "" : ", and without TLS");
    else
        client_set_why(c, MQTT_CAUSE_NETWORK, "lost %s during the WebSocket handshake: %s", c->endpoint,
                       connect_words(error));
    connect_failed(c);
}

void web_late(struct mqtt_client *c)
{
    client_set_why(
        c, MQTT_CAUSE_NETWORK,
        "%s does not go on with the WebSocket handshake: is it the port of its WebSocket listener?",
        c->endpoint);
    connect_failed(c);
}

/* ---- out ---- */

/* Nobody can foresee them, as masks and keys must be (RFC 6455 section 10.3); one call of the kernel for
 * many. */
static int take_random(struct mqtt_io *io, uint8_t *bytes, size_t len)
{
    if (io->random_left < len) {
        io->random_left = 0;
        if (getrandom(io->random, sizeof io->random, 0) != sizeof io->random)
            return UV_EIO;
        io->random_left = sizeof io->random;
    }
    io->random_left -= len;
    memcpy(bytes, io->random + io->random_left, len);
    return 0;
}

static int wrap_pong(struct mqtt_client *c, struct web *web)
{
    uint8_t mask[WS_MASK_BYTES];
    int error = take_random(c->io, mask, sizeof mask);
    if (!error)
        ws_frame_write(&web->out, WS_PONG, web->in.pong, web->in.pong_len, mask);
    web->in.pong_due = false;
    return error;
}

/* All that a turn has queued in one frame, up to its bound. */
static int wrap_payload(struct mqtt_client *c, struct web *web)
{
    struct buffer *plain = mqtt_session_output(client_session(c));
    size_t len = buffer_length(plain) < WS_PAYLOAD_MAX ? buffer_length(plain) : WS_PAYLOAD_MAX;
    uint8_t mask[WS_MASK_BYTES];
    int error = take_random(c->io, mask, sizeof mask);
    if (error)
        return error;
    ws_frame_write(&web->out, WS_BINARY, buffer_data(plain), len, mask);
    buffer_consume(plain, len);
    return 0;
}

static int wrap_close(struct mqtt_client *c, struct web *web)
{
    uint8_t mask[WS_MASK_BYTES];
    int error = take_random(c->io, mask, sizeof mask);
    if (!error)
        ws_frame_write_close(&web->out, web->code ? web->code : WS_CODE_NORMAL, mask);
    web->said_close = true;
    return error;
}

int web_wrap(struct mqtt_client *c)
{
    struct web *web = c->link->web;
    int error = 0;
    if (buffer_length(&web->out) > 0 || c->phase == CLIENT_UPGRADING || web->said_close)
        return 0;
    if (buffer_failed(mqtt_session_output(client_session(c))))
        return UV_ENOMEM; /* what is in it breaks off somewhere */
    if (web->in.pong_due)
        error = wrap_pong(c, web);
    if (!error && stream_has_more(c))
        error = wrap_payload(c, web);
    if (!error && c->phase == CLIENT_ENDING && !stream_has_more(c))
        error = wrap_close(c, web);
    return error;
}

/* As long as the kernel takes it; the rest waits in plain, where the session counts it. */
int web_send(struct mqtt_client *c)
{
    struct link *link = c->link;
    int error;
    do {
        error = web_wrap(c);
        if (!error)
            error = stream_send(link, &link->web->out);
    } while (!error && link->in_flight == 0 && stream_has_more(c));
    if (!error)
        buffer_trim(&link->web->out);
    return error;
}

bool web_is_over(const struct mqtt_client *c)
{
    const struct web *web = c->link->web;
    return web->said_close && (web->in.closed || web->in.fault);
}

/* ---- in: frames ---- */

/* For a log: one line. */
static const char *show_reason(const struct ws_reader *in, char shown[REASON_MAX])
{
    shown[0] = '\0';
    if (in->close_reason.len)
        snprintf(shown, REASON_MAX, " (%.*s)", SLICE_ARG(in->close_reason));
    for (char *c = shown; *c; c++)
        *c = (char)((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
    return shown;
}

/* Policy is somebody's decision; a restart and "try again later" ask for time (RFC 6455 section 7.4.1, IANA).
 */
static enum mqtt_cause cause_of(unsigned code)
{
    enum { POLICY = 1008, RESTARTS = 1012, LATER = 1013 };
    if (code == POLICY)
        return MQTT_CAUSE_REFUSED;
    return code == RESTARTS || code == LATER ? MQTT_CAUSE_BUSY : MQTT_CAUSE_NETWORK;
}

static void closed_by_broker(struct mqtt_client *c, struct web *web)
{
    char reason[REASON_MAX], suspect[SUSPECT_MAX] = "", code[32] = "without a code";
    bool online = mqtt_session_state(client_session(c)) == MQTT_ONLINE;
    enum mqtt_cause cause = cause_of(web->in.close_code);
    if (cause == MQTT_CAUSE_NETWORK)
        cause = stream_suspect(c, true, suspect, sizeof suspect);
    if (web->in.close_code != WS_CODE_NONE)
        snprintf(code, sizeof code, "with code %u", web->in.close_code);
    client_set_why(c, cause, "%s closed the WebSocket %s%s%s%s", c->endpoint, code,
                   show_reason(&web->in, reason), online ? "" : " before it answered CONNECT", suspect);
    web->code = web->in.close_code;
    stream_end(c);
}

static void broken_by_broker(struct mqtt_client *c, struct web *web)
{
    client_set_why(c, MQTT_CAUSE_PROTOCOL, "%s does not keep to WebSocket: %s", c->endpoint, web->in.fault);
    web->code = web->in.fault_code;
    stream_end(c);
}

static void look_at_frames(struct mqtt_client *c)
{
    struct web *web = c->link->web;
    if (c->phase == CLIENT_OPEN && web->in.fault)
        broken_by_broker(c, web);
    else if (c->phase == CLIENT_OPEN && web->in.closed)
        closed_by_broker(c, web);
    else if (web->in.pong_due || web->in.closed || web->in.fault)
        io_mark(c);
}

/* ---- in: the answer ---- */

/* True: it is what was asked for. What came behind it is left in data. */
static bool upgrade(struct mqtt_client *c, uint8_t *data, size_t *len)
{
    struct web *web = c->link->web;
    struct ws_answer answer = {0};
    size_t before = buffer_length(&web->answer);
    buffer_append(&web->answer, data, *len);
    if (buffer_failed(&web->answer)) {
        web_lost(c, UV_ENOMEM);
        return false;
    }
    struct slice all = slice_make(buffer_data(&web->answer), buffer_length(&web->answer));
    int error = ws_handshake_read(all, web->key, &answer);
    if (error == -EPROTO) {
        client_set_why(c, answer.cause, "%s", answer.why);
        connect_failed(c);
    }
    if (error)
        return false;
    *len = all.len - answer.len;
    memmove(data, data + (answer.len - before), *len);
    buffer_finish(&web->answer);
    stream_open(c);
    return true;
}

bool web_took(struct mqtt_client *c, uint8_t *data, size_t len)
{
    struct link *link = c->link;
    if (c->phase == CLIENT_UPGRADING && !upgrade(c, data, &len))
        return c->link == link;
    len = ws_frame_strip(&link->web->in, data, len);
    if (len > 0 && c->phase == CLIENT_OPEN)
        stream_took(c, len);
    if (c->link == link)
        look_at_frames(c);
    return c->link == link;
}

/* ---- the begin ---- */

static int request(struct mqtt_client *c, struct web *web)
{
    struct ws_request request = {
        .host = c->host, .port = c->port, .is_tls = c->tls != NULL, .target = c->target};
    uint8_t nonce[WS_NONCE_BYTES];
    int error = take_random(c->io, nonce, sizeof nonce);
    if (error)
        return error;
    ws_handshake_key(nonce, web->key);
    memcpy(request.key, web->key, sizeof request.key);
    ws_handshake_request(&web->out, &request);
    return 0;
}

void web_start(struct mqtt_client *c)
{
    struct link *link = c->link;
    link->web = calloc(1, sizeof *link->web);
    int error = link->web ? request(c, link->web) : UV_ENOMEM;
    c->phase = CLIENT_UPGRADING;
    c->due_ns = clock_now_ns() + c->timing.address_timeout_ns;
    if (!error && !link->tls)
        error = stream_read(c);
    if (error) {
        web_lost(c, error);
        return;
    }
    io_mark(c);
    client_arm_timer(c);
}
