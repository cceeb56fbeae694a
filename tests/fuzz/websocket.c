/* websocket.c: any bytes from a broker's end of a WebSocket. The first byte chooses: an answer to the upgrade
 * request, frames that come, or bytes of ours that go.
 *
 * Frames are read twice, whole and in the pieces that the second byte says: both ways must tell the same. */
#include "fuzz.h"

#include "mqtt/ws_frame.h"
#include "mqtt/ws_handshake.h"

#include <errno.h>

/* The example of RFC 6455 section 1.3, so that the corpus can hold an answer that is right. */
static const char key[WS_KEY_SIZE] = "dGhlIHNhbXBsZSBub25jZQ==";

/* ---- the answer ---- */

static void check_why(const struct ws_answer *a)
{
    CHECK(a->why[0] && strlen(a->why) < WS_WHY_MAX);
    for (const char *c = a->why; *c; c++)
        CHECK(*c >= ' ' && *c <= '~');
}

static void check_answer(struct slice data)
{
    struct ws_answer whole = {0}, part = {0};
    int error = ws_handshake_read(data, key, &whole);
    CHECK(error == 0 || error == -EAGAIN || error == -EPROTO);
    CHECK(error != -EAGAIN || data.len < WS_ANSWER_MAX);
    if (error == -EPROTO)
        check_why(&whole);
    if (error)
        return;
    CHECK(whole.len >= 4 && whole.len <= data.len);
    CHECK(ws_handshake_read(slice_make(data.data, whole.len), key, &part) == 0 && part.len == whole.len);
    CHECK(ws_handshake_read(slice_make(data.data, whole.len - 1), key, &part) == -EAGAIN);
}

/* ---- frames that come ---- */

static void check_reader(const struct ws_reader *r)
{
    CHECK(!(r->closed && r->fault) && (!r->fault || r->fault_code >= WS_CODE_NORMAL));
    CHECK(r->header_len <= WS_HEADER_MAX && r->control_len <= WS_CONTROL_MAX &&
          r->pong_len <= WS_CONTROL_MAX);
    if (r->closed)
        CHECK(r->close_code == WS_CODE_NONE || (r->close_code >= 1000 && r->close_code < 5000));
    if (r->closed)
        CHECK(r->close_reason.len <= WS_CONTROL_MAX - 2);
}

/* Each piece lies in memory of exactly its size, for the sanitizer to see. */
static struct buffer strip_pieces(struct ws_reader *r, struct slice data, size_t piece)
{
    struct buffer plain = {0};
    for (size_t at = 0, len; at < data.len; at += len) {
        len = data.len - at < piece ? data.len - at : piece;
        uint8_t *copy = must_alloc(len);
        memcpy(copy, data.data + at, len);
        size_t left = ws_frame_strip(r, copy, len);
        CHECK(left <= len);
        buffer_append(&plain, copy, left);
        check_reader(r);
        free(copy);
    }
    return plain;
}

static void check_same(const struct ws_reader *a, const struct ws_reader *b)
{
    CHECK(a->closed == b->closed && a->fault == b->fault && a->fault_code == b->fault_code);
    CHECK(a->close_code == b->close_code && a->pong_due == b->pong_due && a->pong_len == b->pong_len);
    CHECK(memcmp(a->pong, b->pong, a->pong_len) == 0 && a->left == b->left && a->in_message == b->in_message);
}

static void check_frames(struct slice data, size_t piece)
{
    struct ws_reader whole = {0}, pieces = {0};
    struct buffer a = strip_pieces(&whole, data, data.len ? data.len : 1);
    struct buffer b = strip_pieces(&pieces, data, piece);
    CHECK(slice_equal(slice_make(buffer_data(&a), buffer_length(&a)),
                      slice_make(buffer_data(&b), buffer_length(&b))));
    check_same(&whole, &pieces);
    buffer_finish(&a);
    buffer_finish(&b);
}

/* ---- frames that go ---- */

/* Without its mask, a frame of ours is one that could come: it is read to the same payload. */
static void check_written(struct slice payload, const uint8_t mask[WS_MASK_BYTES])
{
    struct ws_reader r = {0};
    struct buffer out = {0};
    ws_frame_write(&out, WS_BINARY, payload.data, payload.len, mask);
    uint8_t *frame = buffer_data(&out);
    size_t header = payload.len < 126 ? 2 : 4;
    CHECK(buffer_length(&out) == header + WS_MASK_BYTES + payload.len && frame[1] & 0x80);
    CHECK(memcmp(frame + header, mask, WS_MASK_BYTES) == 0);
    frame[1] &= 0x7f;
    for (size_t i = 0; i < payload.len; i++)
        frame[header + i] = frame[header + WS_MASK_BYTES + i] ^ mask[i % WS_MASK_BYTES];
    CHECK(ws_frame_strip(&r, frame, header + payload.len) == payload.len && !r.fault && !r.in_payload);
    CHECK(payload.len == 0 || memcmp(frame, payload.data, payload.len) == 0);
    buffer_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 + WS_MASK_BYTES)
        return 0;
    struct slice rest = slice_make(data + 2, size - 2);
    if (data[0] % 4 == 0)
        check_answer(rest);
    else if (data[0] % 4 == 1 && rest.len - WS_MASK_BYTES <= WS_PAYLOAD_MAX)
        check_written(slice_make(rest.data + WS_MASK_BYTES, rest.len - WS_MASK_BYTES),
                      (const uint8_t *)rest.data);
    else
        check_frames(rest, 1 + data[1] % 16);
    return 0;
}
