#include "mqtt/ws_handshake.h"

#include "shared/base64.h"

#include <errno.h>
#include <sha1.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

enum { SHOWN_MAX = 120, PORT_HTTP = 80, PORT_HTTPS = 443 };

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* section 1.3 */
static const char line_end[] = "\r\n";

/* ---- the request ---- */

void ws_handshake_key(const uint8_t nonce[WS_NONCE_BYTES], char ret_key[WS_KEY_SIZE])
{
    base64_encode(slice_make(nonce, WS_NONCE_BYTES), ret_key);
}

void ws_handshake_accept(const char key[WS_KEY_SIZE], char ret_accept[WS_ACCEPT_SIZE])
{
    char text[WS_KEY_SIZE + sizeof guid];
    uint8_t hash[SHA1_DIGEST_LENGTH];
    int len = snprintf(text, sizeof text, "%s%s", key, guid);
    SHA1_CTX sha1;
    SHA1Init(&sha1);
    SHA1Update(&sha1, (const uint8_t *)text, (size_t)len);
    SHA1Final(hash, &sha1);
    base64_encode(slice_make(hash, sizeof hash), ret_accept);
}

static void put(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

/* RFC 9110 section 7.2: without the port that the scheme has anyway. */
static void put_host(struct buffer *out, const struct ws_request *request)
{
    char port[8] = "";
    bool bare = !strchr(request->host, ':');
    if (request->port != (request->is_tls ? PORT_HTTPS : PORT_HTTP))
        snprintf(port, sizeof port, ":%u", request->port);
    put(out, "\r\nHost: ");
    put(out, bare ? "" : "[");
    put(out, request->host);
    put(out, bare ? "" : "]");
    put(out, port);
}

void ws_handshake_request(struct buffer *out, const struct ws_request *request)
{
    put(out, "GET ");
    put(out, request->target);
    put(out, " HTTP/1.1");
    put_host(out, request);
    put(out, "\r\nUser-Agent: hark\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
    put(out, request->key);
    put(out, "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n");
}

/* ---- what is wrong with an answer ---- */

__attribute__((format(printf, 3, 4))) static int say(struct ws_answer *a, enum mqtt_cause cause,
                                                     const char *format, ...)
{
    va_list arguments;
    a->cause = cause;
    va_start(arguments, format);
    vsnprintf(a->why, sizeof a->why, format, arguments);
    va_end(arguments);
    return -EPROTO;
}

/* For a log: printable ASCII only, and not too much of it. */
static const char *show(struct slice text, char shown[SHOWN_MAX])
{
    size_t len = text.len < SHOWN_MAX - 1 ? text.len : SHOWN_MAX - 1;
    for (size_t i = 0; i < len; i++)
        shown[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
    shown[len] = '\0';
    return shown;
}

static int say_no_http(struct ws_answer *a, struct slice data)
{
    enum { TLS_ALERT = 21, TLS_HANDSHAKE = 22 };
    bool is_tls = data.len && (data.data[0] == TLS_ALERT || data.data[0] == TLS_HANDSHAKE);
    return say(a, MQTT_CAUSE_REFUSED, "what answers the WebSocket request speaks %s",
               is_tls ? "TLS: write wss://"
                      : "no HTTP: write the port of the broker's WebSocket listener, or mqtt://");
}

/* ---- pieces of an answer ---- */

struct header {
    struct slice name, value;
};

/* The line at *rest, without its end, which is there; *rest moves behind it. */
static struct slice next_line(struct slice *rest)
{
    const char *end = memmem(rest->data, rest->len, line_end, 2);
    struct slice line = slice_make(rest->data, (size_t)(end - rest->data));
    *rest = slice_make(end + 2, rest->len - line.len - 2);
    return line;
}

static struct slice trim(struct slice s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = slice_make(s.data + 1, s.len - 1);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool is_text(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.data, text, s.len) == 0;
}

/* RFC 9112 section 5: no space before the colon, no value that goes on in the next line. */
static bool split_header(struct slice line, struct header *ret)
{
    const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
    if (!colon || colon == line.data || memchr(line.data, '\0', line.len))
        return false;
    ret->name = slice_make(line.data, (size_t)(colon - line.data));
    ret->value = trim(slice_make(colon + 1, line.len - ret->name.len - 1));
    return !memchr(ret->name.data, ' ', ret->name.len) && !memchr(ret->name.data, '\t', ret->name.len);
}

/* Is it one of the items between commas? */
static bool has_item(struct slice list, const char *item)
{
    while (list.len) {
        const char *comma = memchr(list.data, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.data) : list.len;
        if (is_text(trim(slice_make(list.data, len)), item))
            return true;
        len += comma != NULL;
        list = slice_make(list.data + len, list.len - len);
    }
    return false;
}

/* ---- headers ---- */

/* What the headers of an answer have said. */
struct headers {
    bool upgrades, connects; /* Upgrade: websocket, Connection: Upgrade */
    struct slice accept, protocol, extensions, location;
    bool is_bad; /* a line is no header, or one that must be alone is not */
};

static void take_single(struct headers *h, struct slice *at, struct slice value)
{
    h->is_bad |= at->data != NULL;
    *at = value;
}

static void take_header(struct headers *h, const struct header *header)
{
    if (is_text(header->name, "Upgrade"))
        h->upgrades |= has_item(header->value, "websocket");
    else if (is_text(header->name, "Connection"))
        h->connects |= has_item(header->value, "Upgrade");
    else if (is_text(header->name, "Sec-WebSocket-Accept"))
        take_single(h, &h->accept, header->value);
    else if (is_text(header->name, "Sec-WebSocket-Protocol"))
        take_single(h, &h->protocol, header->value);
    else if (is_text(header->name, "Sec-WebSocket-Extensions"))
        h->extensions = header->value;
    else if (is_text(header->name, "Location"))
        h->location = header->value;
}

/* lines: those behind the status line, each with its end; without the empty one. */
static struct headers read_headers(struct slice lines)
{
    struct headers h = {0};
    struct header header;
    while (lines.len && !h.is_bad) {
        if (split_header(next_line(&lines), &header))
            take_header(&h, &header);
        else
            h.is_bad = true;
    }
    return h;
}

/* ---- the whole ---- */

struct status {
    unsigned code;
    struct slice text; /* "404 Not Found" */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 101 Switching Protocols": RFC 9112 section 4; the reason may be missing. */
static bool read_status(struct slice line, struct status *ret)
{
    static const char version[] = "HTTP/1.";
    size_t at = sizeof version - 1;
    if (line.len < at + 5 || memcmp(line.data, version, at) != 0 || !is_digit(line.data[at]) ||
        line.data[at + 1] != ' ')
        return false;
    struct slice text = slice_make(line.data + at + 2, line.len - at - 2);
    if (!is_digit(text.data[0]) || !is_digit(text.data[1]) || !is_digit(text.data[2]) ||
        (text.len > 3 && text.data[3] != ' '))
        return false;
    ret->code = (unsigned)(text.data[0] - '0') * 100 + (unsigned)(text.data[1] - '0') * 10 +
                (unsigned)(text.data[2] - '0');
    ret->text = trim(text);
    return true;
}

static const char *advice(unsigned code)
{
    switch (code) {
    case 200:
        return ": an ordinary web page is there; check the path and the port in the URL";
    case 400:
    case 404:
    case 405:
        return ": check the path in the URL";
    case 401:
    case 403:
    case 407:
        return ": what is in front of the broker lets nobody in without a login of its own";
    case 426:
        return ": it wants another version of WebSocket than 13";
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return ": what is in front of the broker cannot reach it, or it is too busy";
    default:
        return "";
    }
}

static int refuse_status(const struct status *status, const struct headers *h, struct ws_answer *ret)
{
    char text[SHOWN_MAX], location[SHOWN_MAX];
    bool passes = status->code >= 500 || status->code == 429;
    enum mqtt_cause cause = passes ? MQTT_CAUSE_NETWORK : MQTT_CAUSE_REFUSED;
    show(status->text, text);
    if (status->code >= 300 && status->code < 400 && h->location.data)
        return say(ret, cause,
                   "the broker answered the WebSocket request with %s, to %s: write that place in the URL, "
                   "with ws:// "
                   "or wss://",
                   text, show(h->location, location));
    return say(ret, cause, "the broker answered the WebSocket request with %s%s", text, advice(status->code));
}

static int judge_headers(const struct headers *h, const char *accept, struct ws_answer *ret)
{
    char shown[SHOWN_MAX];
    if (h->is_bad)
        return say(ret, MQTT_CAUSE_REFUSED,
                   "the broker's answer to the WebSocket request has a header that is no good");
    if (!h->upgrades || !h->connects || !slice_equal(h->accept, slice_of(accept)))
        return say(ret, MQTT_CAUSE_REFUSED,
                   "the broker's answer to the WebSocket request is none to ours (Upgrade, Connection or "
                   "Sec-WebSocket-Accept is wrong): what is in between may spoil it");
    if (h->extensions.len)
        return say(ret, MQTT_CAUSE_REFUSED,
                   "the broker turned on a WebSocket extension that nobody asked for: %s",
                   show(h->extensions, shown));
    if (!h->protocol.data)
        return say(ret, MQTT_CAUSE_REFUSED,
                   "the broker did not choose the WebSocket subprotocol mqtt: check the path and the port in "
                   "the URL");
    if (!slice_equal(h->protocol, slice_of("mqtt")))
        return say(ret, MQTT_CAUSE_REFUSED, "the broker chose the WebSocket subprotocol '%s' instead of mqtt",
                   show(h->protocol, shown));
    return 0;
}

/* head: the status line and the headers, each with its end. */
static int judge(struct slice head, const char key[WS_KEY_SIZE], struct ws_answer *ret)
{
    char accept[WS_ACCEPT_SIZE];
    struct slice data = head;
    struct status status;
    if (!read_status(next_line(&head), &status))
        return say_no_http(ret, data);
    struct headers h = read_headers(head);
    if (status.code != 101)
        return refuse_status(&status, &h, ret);
    ws_handshake_accept(key, accept);
    return judge_headers(&h, accept, ret);
}

int ws_handshake_read(struct slice data, const char key[WS_KEY_SIZE], struct ws_answer *ret)
{
    static const char begin[] = "HTTP/1.", blank[] = "\r\n\r\n";
    size_t known = data.len < sizeof begin - 1 ? data.len : sizeof begin - 1;
    if (known && memcmp(data.data, begin, known) != 0)
        return say_no_http(ret, data);
    const char *end = known ? memmem(data.data, data.len, blank, 4) : NULL;
    size_t len = end ? (size_t)(end - data.data) + 4 : data.len;
    if (len > WS_ANSWER_MAX || (!end && len == WS_ANSWER_MAX))
        return say(ret, MQTT_CAUSE_REFUSED,
                   "the broker's answer to the WebSocket request does not end within %d KiB",
                   WS_ANSWER_MAX / 1024);
    if (!end)
        return -EAGAIN;
    ret->len = len;
    return judge(slice_make(data.data, len - 2), key, ret);
}
