/* ws_frame.h: WebSocket frames as a client sends and takes them (RFC 6455 section 5), for a stream of bytes:
 * MQTT packets may span frames and share them (MQTT-6.0.0-2), so where a frame ends says nothing.
 *
 * Pure; in the dispatcher. Coming in, frames are stripped in place: whatever the length that a frame
 * announces, nothing is kept but a header that is not complete and the last control frame. */
#ifndef HARK_MQTT_WS_FRAME_H
#define HARK_MQTT_WS_FRAME_H

#include "shared/buffer.h"

enum {
    WS_MASK_BYTES = 4,
    WS_CONTROL_MAX = 125,    /* payload of ping, pong and close: section 5.5 */
    WS_PAYLOAD_MAX = 0xffff, /* of a frame of ours: many servers take no frame beyond 64 KiB */
    WS_HEADER_MAX = 10       /* of a frame that comes: no mask */
};

enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa
};

/* Section 7.4.1. */
enum ws_code {
    WS_CODE_NORMAL = 1000,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_UNACCEPTABLE = 1003, /* text: MQTT-6.0.0-1 */
    WS_CODE_NOT_UTF8 = 1007,
    WS_CODE_NONE = 1005 /* never sent: the close frame was empty */
};

/* ---- out ---- */

/* Appends one whole frame; len <= WS_PAYLOAD_MAX. mask: bytes that nobody can foresee, new ones for each
 * frame (section 5.3). */
void ws_frame_write(struct buffer *out, enum ws_opcode opcode, const void *payload, size_t len,
                    const uint8_t mask[WS_MASK_BYTES]);
/* Appends a close frame without words. code: WS_CODE_NONE for an empty one. */
void ws_frame_write_close(struct buffer *out, unsigned code, const uint8_t mask[WS_MASK_BYTES]);

/* ---- in ---- */

/* A zeroed struct is the begin of a connection. */
struct ws_reader {
    uint8_t header[WS_HEADER_MAX];
    size_t header_len; /* what has come of a header that is not complete */
    uint64_t left;     /* payload of the frame under way that is still to come */
    uint8_t opcode;    /* of the frame under way */
    bool in_payload;   /* of that frame */
    bool in_message;   /* a binary message is under way: only continuations may follow */
    uint8_t control[WS_CONTROL_MAX];
    size_t control_len;

    /* What came beside payload, for the caller. */
    bool pong_due; /* the newest ping waits for an answer; the caller clears it: section 5.5.3 */
    uint8_t pong[WS_CONTROL_MAX];
    size_t pong_len;
    bool closed; /* a close frame came: nothing that follows is read */
    unsigned close_code;
    struct slice close_reason; /* in `control`; UTF-8 */
    const char *fault;   /* what the other end must not do, in words, or NULL: nothing that follows is read */
    unsigned fault_code; /* enum ws_code, to close with */
};

/* Takes all of data, and leaves there, at its front, what is payload of binary messages; returns how much
 * that is. It came before a close or a fault that r tells of. */
size_t ws_frame_strip(struct ws_reader *r, uint8_t *data, size_t len);

#endif
