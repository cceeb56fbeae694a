/* web_server.h: the server's end of a WebSocket as a script wants it: what no honest broker does, and what it
 * may.
 *
 * Takes one connection after the other, until the end of the test. It reads a request, answers it as the
 * script says, waits for the client's first binary frame, says its bytes, and then only listens; a close
 * frame it answers with one, and closes. A thread of its own. Written apart from the code that it tests:
 * OpenSSL for the accept key, byte by byte for the masks. */
#ifndef TESTS_SUPPORT_WEB_SERVER_H
#define TESTS_SUPPORT_WEB_SERVER_H

#include "shared/slice.h"

#include <stdint.h>

enum { WEB_FRAMES_MAX = 256 };

struct web_script {
    const char *answer;   /* the whole answer to the request; NULL: an upgrade */
    const char *protocol; /* of the upgrade; NULL: mqtt; "": none */
    const char *more;     /* headers of the upgrade, each with its end; NULL: none */
    struct slice frames;  /* said after the client's first binary frame; borrowed */
    bool is_silent;       /* no answer to the request, ever */
    bool keeps_open;      /* no answer to a close frame */
};

/* One frame of the client's. */
struct web_frame {
    uint8_t opcode;
    bool is_masked;
    uint8_t mask[4];
    size_t len;
    uint8_t head[128]; /* its first bytes, unmasked */
};

struct web_server;

struct web_server *web_server_start(const struct web_script *script);
uint16_t web_server_port(const struct web_server *w);

/* Waits for the count-th frame since the start, of any kind, and copies it; fails when it does not come. */
struct web_frame web_server_frame(struct web_server *w, size_t count);
/* Waits until the client has ended that many connections. */
void web_server_wait_closed(struct web_server *w, size_t count);
/* Of the newest connection, once a frame or a close was waited for. */
const char *web_server_request(struct web_server *w);
size_t web_server_frame_count(struct web_server *w);
/* Payload of binary frames, all of it, in order; likewise. */
struct slice web_server_payload(struct web_server *w);

#endif
