#include "support/web_server.h"

#include "shared/buffer.h"
#include "shared/check.h"
#include "support/cleanup.h"
#include "support/moment.h"
#include "support/port.h"
#include "support/test.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, ANSWER_MAX = 1024, OPCODE_BINARY = 2, OPCODE_CLOSE = 8, PAYLOAD_MAX = 1 << 20 };

struct web_server {
    struct web_script script;
    pthread_t thread;
    int listener;
    uint16_t port;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    int client; /* -1: none */
    size_t closed;
    char request[REQUEST_MAX + 1];
    struct web_frame frames[WEB_FRAMES_MAX];
    size_t frame_count;
    struct buffer payload;
};

/* ---- the handshake ---- */

static bool read_request(int fd, char request[REQUEST_MAX + 1])
{
    size_t len = 0;
    do {
        if (len == REQUEST_MAX || recv(fd, request + len, 1, 0) != 1)
            return false;
        request[++len] = '\0';
    } while (len < 4 || memcmp(request + len - 4, "\r\n\r\n", 4) != 0);
    return true;
}

static void accept_key(const char *request, char accept[64])
{
    static const char name[] = "Sec-WebSocket-Key: ";
    const char *key = strstr(request, name);
    char text[128];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int len = snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                       key ? key + sizeof name - 1 : "");
    CHECK(EVP_Digest(text, (size_t)len, digest, &size, EVP_sha1(), NULL) == 1);
    EVP_EncodeBlock((unsigned char *)accept, digest, (int)size);
}

static void say(int fd, const void *bytes, size_t len)
{
    ssize_t ignored = send(fd, bytes, len, MSG_NOSIGNAL); /* the client may have gone */
    (void)ignored;
}

static void answer_request(const struct web_script *script, int fd, const char *request)
{
    char accept[64], text[ANSWER_MAX];
    const char *protocol = script->protocol ? script->protocol : "mqtt";
    if (script->answer) {
        say(fd, script->answer, strlen(script->answer));
        return;
    }
    accept_key(request, accept);
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n%s%s%s%s\r\n",
                       accept, *protocol ? "Sec-WebSocket-Protocol: " : "", protocol, *protocol ? "\r\n" : "",
                       script->more ? script->more : "");
    say(fd, text, (size_t)len);
}

/* ---- frames ---- */

static bool read_all(int fd, void *bytes, size_t len)
{
    return len == 0 || recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static bool read_length(int fd, uint8_t first, size_t *ret_len)
{
    size_t count = first == 127 ? 8 : first == 126 ? 2 : 0;
    uint8_t bytes[8];
    if (!read_all(fd, bytes, count))
        return false;
    *ret_len = count ? 0 : first;
    for (size_t i = 0; i < count; i++)
        *ret_len = *ret_len << 8 | bytes[i];
    return *ret_len <= PAYLOAD_MAX;
}

/* The payload, unmasked, on the heap; NULL: the client has gone, or says nonsense. */
static uint8_t *read_frame(int fd, struct web_frame *frame)
{
    uint8_t begin[2], *payload;
    if (!read_all(fd, begin, 2) || !read_length(fd, begin[1] & 0x7f, &frame->len))
        return NULL;
    frame->opcode = begin[0] & 0x0f;
    frame->is_masked = begin[1] & 0x80;
    if (frame->is_masked && !read_all(fd, frame->mask, 4))
        return NULL;
    payload = must_alloc(frame->len + 1);
    if (!read_all(fd, payload, frame->len)) {
        free(payload);
        return NULL;
    }
    for (size_t i = 0; i < frame->len; i++)
        payload[i] ^= frame->mask[i % 4];
    memcpy(frame->head, payload, frame->len < sizeof frame->head ? frame->len : sizeof frame->head);
    return payload;
}

static void remember(struct web_server *w, const struct web_frame *frame, const uint8_t *payload)
{
    pthread_mutex_lock(&w->lock);
    if (w->frame_count < WEB_FRAMES_MAX)
        w->frames[w->frame_count++] = *frame;
    if (frame->opcode == OPCODE_BINARY)
        buffer_append(&w->payload, payload, frame->len);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void answer_close(int fd, const struct web_frame *frame)
{
    uint8_t bytes[2 + 125] = {0x80 | OPCODE_CLOSE, (uint8_t)frame->len};
    memcpy(bytes + 2, frame->head, frame->len);
    say(fd, bytes, 2 + frame->len);
}

static void listen_to(struct web_server *w, int fd)
{
    struct web_frame frame = {0};
    bool said = false;
    uint8_t *payload;
    while ((payload = read_frame(fd, &frame))) {
        remember(w, &frame, payload);
        free(payload);
        if (frame.opcode == OPCODE_BINARY && !said) {
            say(fd, w->script.frames.data, w->script.frames.len);
            said = true;
        }
        if (frame.opcode == OPCODE_CLOSE && !w->script.keeps_open) {
            answer_close(fd, &frame);
            return;
        }
        frame = (struct web_frame){0};
    }
}

/* ---- connections ---- */

static void client_is(struct web_server *w, int fd)
{
    pthread_mutex_lock(&w->lock);
    w->client = fd;
    w->closed += fd < 0;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void serve(struct web_server *w, int fd)
{
    char request[REQUEST_MAX + 1], byte;
    if (!read_request(fd, request))
        return;
    pthread_mutex_lock(&w->lock);
    memcpy(w->request, request, sizeof request);
    pthread_mutex_unlock(&w->lock);
    if (!w->script.is_silent)
        answer_request(&w->script, fd, request);
    if (w->script.is_silent || w->script.answer)
        while (recv(fd, &byte, 1, 0) == 1)
            ;
    else
        listen_to(w, fd);
}

static void *run(void *user)
{
    struct web_server *w = user;
    int fd;
    while ((fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        client_is(w, fd);
        serve(w, fd);
        client_is(w, -1);
        close(fd);
    }
    return NULL;
}

static void web_server_end(void *thing)
{
    struct web_server *w = thing;
    pthread_mutex_lock(&w->lock);
    shutdown(w->listener, SHUT_RDWR);
    if (w->client >= 0)
        shutdown(w->client, SHUT_RDWR);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    close(w->listener);
    buffer_finish(&w->payload);
    free(w);
}

struct web_server *web_server_start(const struct web_script *script)
{
    struct web_server *w = must_alloc(sizeof *w);
    memset(w, 0, sizeof *w);
    w->script = *script;
    w->client = -1;
    w->listener = port_listen(&w->port);
    pthread_mutex_init(&w->lock, NULL);
    moment_cond_init(&w->changed);
    CHECK(pthread_create(&w->thread, NULL, run, w) == 0);
    at_end_of_test(web_server_end, w);
    return w;
}

uint16_t web_server_port(const struct web_server *w)
{
    return w->port;
}

/* ---- what has come ---- */

static void wait_for(struct web_server *w, const size_t *value, size_t count)
{
    struct timespec until = moment_in(GUARD_MS);
    pthread_mutex_lock(&w->lock);
    while (*value < count && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
        ;
    bool reached = *value >= count;
    pthread_mutex_unlock(&w->lock);
    if (!reached)
        fail_msg("the client has sent %zu frames and ended %zu connections", w->frame_count, w->closed);
}

struct web_frame web_server_frame(struct web_server *w, size_t count)
{
    wait_for(w, &w->frame_count, count);
    pthread_mutex_lock(&w->lock);
    struct web_frame frame = w->frames[count - 1];
    pthread_mutex_unlock(&w->lock);
    return frame;
}

void web_server_wait_closed(struct web_server *w, size_t count)
{
    wait_for(w, &w->closed, count);
}

const char *web_server_request(struct web_server *w)
{
    return w->request;
}

size_t web_server_frame_count(struct web_server *w)
{
    pthread_mutex_lock(&w->lock);
    size_t count = w->frame_count;
    pthread_mutex_unlock(&w->lock);
    return count;
}

struct slice web_server_payload(struct web_server *w)
{
    return slice_make(buffer_data(&w->payload), buffer_length(&w->payload));
}
