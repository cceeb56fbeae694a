/* ws_handshake.h: how an HTTP connection becomes a WebSocket that speaks MQTT (RFC 6455 section 4;
 * MQTT-6.0.0-3, MQTT-6.0.0-4): the request, and what a server may answer. Pure; in the dispatcher. */
#ifndef HARK_MQTT_WS_HANDSHAKE_H
#define HARK_MQTT_WS_HANDSHAKE_H

#include "mqtt/mqtt.h"
#include "shared/buffer.h"

enum {
    WS_NONCE_BYTES = 16,
    WS_KEY_SIZE = 25,    /* 24 characters of base64, NUL */
    WS_ACCEPT_SIZE = 29, /* 28 of them, NUL */
    WS_ANSWER_MAX = 16 * 1024,
    WS_WHY_MAX = 400
};

/* The key that a client sends: its nonce in base64. */
void ws_handshake_key(const uint8_t nonce[WS_NONCE_BYTES], char ret_key[WS_KEY_SIZE]);
/* What a server that has read that key answers. */
void ws_handshake_accept(const char key[WS_KEY_SIZE], char ret_accept[WS_ACCEPT_SIZE]);

struct ws_request {
    const char *host; /* name or address, without brackets */
    uint16_t port;
    bool is_tls;        /* with the port: whether Host names it */
    const char *target; /* path and query: no space, no control character */
    char key[WS_KEY_SIZE];
};

void ws_handshake_request(struct buffer *out, const struct ws_request *request);

struct ws_answer {
    size_t len;            /* bytes of it; what follows are frames */
    enum mqtt_cause cause; /* when it is not what was asked for: how bad that is, and why, for people */
    char why[WS_WHY_MAX];
};

/* data: all that has come so far. 0: the server speaks MQTT over WebSocket, *ret is how long the answer was.
 * -EAGAIN: more is to come. -EPROTO: it does not, *ret tells why. */
__attribute__((warn_unused_result)) int ws_handshake_read(struct slice data, const char key[WS_KEY_SIZE],
                                                          struct ws_answer *ret);

#endif
