#include "mqtt/ws_frame.h"

#include "shared/check.h"
#include "shared/utf8.h"

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80, LENGTH = 0x7f };
enum { LENGTH_16 = 126, LENGTH_64 = 127, CODE_BYTES = 2, SENT_HEADER_MAX = 4 + WS_MASK_BYTES };

/* ---- out ---- */

/* Eight bytes at a time: the mask is as periodic in eight as it is in four. */
static void copy_masked(uint8_t *to, const uint8_t *from, size_t len, const uint8_t mask[WS_MASK_BYTES])
{
    uint64_t wide, word;
    size_t i = 0;
    memcpy(&wide, mask, WS_MASK_BYTES);
    memcpy((uint8_t *)&wide + WS_MASK_BYTES, mask, WS_MASK_BYTES);
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        word ^= wide;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < len; i++)
        to[i] = from[i] ^ mask[i % WS_MASK_BYTES];
}

static size_t put_header(uint8_t *at, enum ws_opcode opcode, size_t len)
{
    at[0] = (uint8_t)(FIN | opcode);
    if (len < LENGTH_16) {
        at[1] = (uint8_t)(MASKED | len);
        return 2;
    }
    at[1] = MASKED | LENGTH_16;
    at[2] = (uint8_t)(len >> 8);
    at[3] = (uint8_t)len;
    return 4;
}

void ws_frame_write(struct buffer *out, enum ws_opcode opcode, const void *payload, size_t len,
                    const uint8_t mask[WS_MASK_BYTES])
{
    CHECK(len <= WS_PAYLOAD_MAX);
    uint8_t *at = buffer_reserve(out, SENT_HEADER_MAX + len);
    if (!at)
        return;
    size_t header = put_header(at, opcode, len);
    memcpy(at + header, mask, WS_MASK_BYTES);
    header += WS_MASK_BYTES;
    copy_masked(at + header, payload, len, mask);
    buffer_commit(out, header + len);
}

void ws_frame_write_close(struct buffer *out, unsigned code, const uint8_t mask[WS_MASK_BYTES])
{
    const uint8_t payload[CODE_BYTES] = {(uint8_t)(code >> 8), (uint8_t)code};
    ws_frame_write(out, WS_CLOSE, payload, code == WS_CODE_NONE ? 0 : CODE_BYTES, mask);
}

/* ---- in: control frames ---- */

static void refuse(struct ws_reader *r, unsigned code, const char *fault)
{
    r->fault = fault;
    r->fault_code = code;
}

/* Section 7.4: what may stand in a close frame. */
static bool is_code(unsigned code)
{
    bool is_defined = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
    return is_defined || (code >= 3000 && code <= 4999);
}

static void take_close(struct ws_reader *r)
{
    r->close_code = WS_CODE_NONE;
    r->close_reason = slice_make(r->control, 0);
    if (r->control_len >= CODE_BYTES) {
        r->close_code = (unsigned)r->control[0] << 8 | r->control[1];
        r->close_reason = slice_make(r->control + CODE_BYTES, r->control_len - CODE_BYTES);
    }
    if (r->control_len == 1 || (r->control_len > 1 && !is_code(r->close_code)))
        refuse(r, WS_CODE_PROTOCOL, "a close frame without a code that there is");
    else if (!utf8_valid(r->close_reason))
        refuse(r, WS_CODE_NOT_UTF8, "a close frame with a reason that is no UTF-8");
    else
        r->closed = true;
}

static void take_control(struct ws_reader *r)
{
    if (r->opcode == WS_CLOSE)
        take_close(r);
    if (r->opcode != WS_PING)
        return; /* a pong answers nothing: we send no ping */
    memcpy(r->pong, r->control, r->control_len);
    r->pong_len = r->control_len;
    r->pong_due = true;
}

/* ---- in: headers ---- */

static bool is_control(unsigned opcode)
{
    return opcode >= WS_CLOSE;
}

/* Of the frame that begins with these two bytes. */
static size_t header_bytes(const struct ws_reader *r)
{
    if (r->header_len < 2)
        return 2;
    unsigned length = r->header[1] & LENGTH;
    return length == LENGTH_64 ? 10 : length == LENGTH_16 ? 4 : 2;
}

static uint64_t announced(const struct ws_reader *r)
{
    unsigned length = r->header[1] & LENGTH;
    if (length < LENGTH_16)
        return length;
    uint64_t value = 0;
    for (size_t i = 2; i < r->header_len; i++)
        value = value << 8 | r->header[i];
    return value;
}

/* Section 5.2: the shortest form, and no sign bit. */
static bool is_good_length(const struct ws_reader *r, uint64_t value)
{
    unsigned length = r->header[1] & LENGTH;
    if (length == LENGTH_64)
        return value > UINT16_MAX && value <= INT64_MAX;
    return length != LENGTH_16 || value >= LENGTH_16;
}

static const char *fault_of_order(const struct ws_reader *r, unsigned opcode)
{
    if (opcode == WS_BINARY && r->in_message)
        return "a new message within a message";
    if (opcode == WS_CONTINUATION && !r->in_message)
        return "a continuation of no message";
    return NULL;
}

/* What two bytes can be wrong about. */
static const char *fault_of_begin(const struct ws_reader *r)
{
    unsigned opcode = r->header[0] & OPCODE;
    if (r->header[0] & RESERVED)
        return "a frame with reserved bits, of an extension that was not asked for";
    if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE))
        return "a frame of a kind that there is not";
    if (r->header[1] & MASKED)
        return "a masked frame, which only a client sends";
    if (is_control(opcode) && (!(r->header[0] & FIN) || (r->header[1] & LENGTH) > WS_CONTROL_MAX))
        return "a control frame in pieces, or beyond 125 bytes";
    return fault_of_order(r, opcode);
}

static void begin_payload(struct ws_reader *r)
{
    uint64_t length = announced(r);
    if (!is_good_length(r, length)) {
        refuse(r, WS_CODE_PROTOCOL, "a frame whose length is not written as it must be");
        return;
    }
    r->opcode = r->header[0] & OPCODE;
    if (!is_control(r->opcode))
        r->in_message = !(r->header[0] & FIN);
    r->left = length;
    r->header_len = r->control_len = 0;
    r->in_payload = true;
}

static size_t take_header(struct ws_reader *r, const uint8_t *data, size_t len)
{
    size_t missing = header_bytes(r) - r->header_len;
    size_t taken = missing < len ? missing : len;
    memcpy(r->header + r->header_len, data, taken);
    r->header_len += taken;
    if (taken < missing)
        return taken;
    const char *fault = r->header_len == 2 ? fault_of_begin(r) : NULL;
    if (fault)
        refuse(r, WS_CODE_PROTOCOL, fault);
    else if ((r->header[0] & OPCODE) == WS_TEXT)
        refuse(r, WS_CODE_UNACCEPTABLE, "a text frame: MQTT comes in binary ones");
    else if (r->header_len == header_bytes(r))
        begin_payload(r);
    return taken;
}

/* ---- in: all of it ---- */

static void end_if_whole(struct ws_reader *r)
{
    if (!r->in_payload || r->left > 0)
        return;
    r->in_payload = false;
    if (is_control(r->opcode))
        take_control(r);
}

/* Where payload of messages goes: *end, which moves on. */
static size_t take_payload(struct ws_reader *r, const uint8_t *data, size_t len, uint8_t **end)
{
    size_t taken = r->left < len ? (size_t)r->left : len;
    if (is_control(r->opcode)) {
        memcpy(r->control + r->control_len, data, taken);
        r->control_len += taken;
    } else {
        memmove(*end, data, taken);
        *end += taken;
    }
    r->left -= taken;
    return taken;
}

size_t ws_frame_strip(struct ws_reader *r, uint8_t *data, size_t len)
{
    uint8_t *end = data;
    for (size_t at = 0; at < len && !r->closed && !r->fault;) {
        if (r->in_payload)
            at += take_payload(r, data + at, len - at, &end);
        else
            at += take_header(r, data + at, len - at);
        if (!r->fault)
            end_if_whole(r);
    }
    return (size_t)(end - data);
}
