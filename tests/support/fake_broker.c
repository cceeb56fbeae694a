#include "support/fake_broker.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/moment.h"
#include "support/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PACKET_DISCONNECT = 14, PACKET_BYTES_MAX = 8192 };

struct packet {
    int type;
    size_t len;
    uint8_t body[PACKET_BYTES_MAX];
};

struct fake_broker {
    pthread_t thread;
    int listener;
    char url[64];
    struct fake_step steps[FAKE_STEPS_MAX + 1];
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    size_t connected, closed;
    int reason;
    size_t published; /* bytes of the first PUBLISH */
    uint8_t publish[PACKET_BYTES_MAX];
    int client; /* -1: none */
};

static bool read_all(int fd, void *bytes, size_t len)
{
    return len == 0 || recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

static bool read_packet(int fd, struct packet *p)
{
    uint8_t byte;
    if (!read_all(fd, &byte, 1))
        return false;
    p->type = byte >> 4;
    p->len = 0;
    for (int shift = 0; shift < 28; shift += 7) {
        if (!read_all(fd, &byte, 1))
            return false;
        p->len |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return p->len <= sizeof p->body && read_all(fd, p->body, p->len);
}

static void answer(int fd, const struct fake_step *step, const struct packet *p)
{
    uint8_t bytes[FAKE_BYTES_MAX];
    memcpy(bytes, step->bytes, step->len);
    if (step->copies_id)
        memcpy(bytes + 2, p->body, 2);
    ssize_t ignored = send(fd, bytes, step->len, MSG_NOSIGNAL); /* the client may have gone */
    (void)ignored;
}

static void keep_first(struct fake_broker *b, const struct packet *p)
{
    pthread_mutex_lock(&b->lock);
    if (b->published == 0) {
        memcpy(b->publish, p->body, p->len);
        b->published = p->len;
        pthread_cond_broadcast(&b->changed);
    }
    pthread_mutex_unlock(&b->lock);
}

static void follow_script(struct fake_broker *b, int fd)
{
    const struct fake_step *step = b->steps;
    struct packet p;
    while (read_packet(fd, &p)) {
        if (p.type == PACKET_DISCONNECT) {
            pthread_mutex_lock(&b->lock);
            b->reason = p.len ? p.body[0] : 0;
            pthread_mutex_unlock(&b->lock);
        }
        if (p.type == PACKET_PUBLISH)
            keep_first(b, &p);
        if (step->await == p.type)
            answer(fd, step++, &p);
    }
}

static void client_is(struct fake_broker *b, int fd)
{
    pthread_mutex_lock(&b->lock);
    if (fd >= 0)
        b->connected++;
    else
        b->closed++;
    b->client = fd;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

/* hark looks whether it is alone before its functions come: not what a script is about. */
static bool is_visit(struct fake_broker *b, int fd)
{
    static const char mark[] = "/_visit-";
    char bytes[256];
    pthread_mutex_lock(&b->lock);
    b->client = fd;
    pthread_mutex_unlock(&b->lock);
    ssize_t len = recv(fd, bytes, sizeof bytes, MSG_PEEK);
    return len > 0 && memmem(bytes, (size_t)len, mark, sizeof mark - 1);
}

static void turn_away(struct fake_broker *b, int fd)
{
    pthread_mutex_lock(&b->lock);
    b->client = -1;
    pthread_mutex_unlock(&b->lock);
    close(fd);
}

static void *run(void *user)
{
    struct fake_broker *b = user;
    int fd;
    while ((fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        if (is_visit(b, fd)) {
            turn_away(b, fd);
            continue;
        }
        client_is(b, fd);
        follow_script(b, fd);
        client_is(b, -1);
        close(fd);
    }
    return NULL;
}

static void fake_broker_end(void *thing)
{
    struct fake_broker *b = thing;
    pthread_mutex_lock(&b->lock);
    shutdown(b->listener, SHUT_RDWR);
    if (b->client >= 0)
        shutdown(b->client, SHUT_RDWR);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->thread, NULL);
    close(b->listener);
    free(b);
}

struct fake_broker *fake_broker_start(const struct fake_step *steps)
{
    struct fake_broker *b = must_alloc(sizeof *b);
    memset(b, 0, sizeof *b);
    for (size_t i = 0; steps[i].await; i++) {
        CHECK(i < FAKE_STEPS_MAX);
        b->steps[i] = steps[i];
    }
    uint16_t port;
    b->listener = port_listen(&port);
    b->client = b->reason = -1;
    snprintf(b->url, sizeof b->url, "mqtt://127.0.0.1:%u", port);
    pthread_mutex_init(&b->lock, NULL);
    moment_cond_init(&b->changed);
    CHECK(pthread_create(&b->thread, NULL, run, b) == 0);
    at_end_of_test(fake_broker_end, b);
    return b;
}

const char *fake_broker_url(const struct fake_broker *b)
{
    return b->url;
}

static bool wait_for(struct fake_broker *b, const size_t *value, size_t count, int within_ms)
{
    struct timespec until = moment_in(within_ms);
    pthread_mutex_lock(&b->lock);
    while (*value < count && pthread_cond_timedwait(&b->changed, &b->lock, &until) == 0)
        ;
    bool reached = *value >= count;
    pthread_mutex_unlock(&b->lock);
    return reached;
}

bool fake_broker_closed(struct fake_broker *b, size_t count, int within_ms)
{
    return wait_for(b, &b->closed, count, within_ms);
}

bool fake_broker_connected(struct fake_broker *b, size_t count, int within_ms)
{
    return wait_for(b, &b->connected, count, within_ms);
}

size_t fake_broker_published(struct fake_broker *b, void *ret_bytes, size_t size, int within_ms)
{
    if (!wait_for(b, &b->published, 1, within_ms))
        return 0;
    pthread_mutex_lock(&b->lock);
    size_t len = b->published < size ? b->published : size;
    memcpy(ret_bytes, b->publish, len);
    pthread_mutex_unlock(&b->lock);
    return len;
}

int fake_broker_disconnect_reason(struct fake_broker *b)
{
    pthread_mutex_lock(&b->lock);
    int reason = b->reason;
    pthread_mutex_unlock(&b->lock);
    return reason;
}
