#include "support/proxy.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/moment.h"
#include "support/other_broker.h"
#include "support/port.h"
#include "support/tls_end.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { LINKS_MAX = 64, HOP_BYTES = 64 * 1024, CLIENT = 0, BROKER = 1 };

/* Bytes on their way to one end of a link. */
struct hop {
    size_t start, end;
    char bytes[HOP_BYTES];
};

struct link {
    size_t number; /* from 1 */
    int fd[2];     /* CLIENT and BROKER; -1: closed */
    bool ended[2]; /* that end says nothing more, but may still listen */
    struct hop *to[2];
    SSL *tls; /* of the client's end; NULL: plain TCP */
};

struct proxy {
    pthread_t thread;
    pthread_mutex_t lock; /* over all below; the thread gives it up while it polls */
    int listener, wake;
    uint16_t port, upstream;
    char url[64];
    const char *ca_file; /* NULL, as `context`: no TLS */
    SSL_CTX *context;
    pthread_cond_t accepts;
    bool stalled, hangs_up, refuses_5, silent, ending;
    size_t accepted, link_count;
    struct link links[LINKS_MAX];
    void (*on_break)(void *user);
    void *break_user;
    void (*on_bytes)(void *user, size_t connection, enum proxy_way way, const void *data, size_t len);
    void *bytes_user;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void reset_on_close(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void tell_break(struct proxy *p)
{
    if (p->on_break)
        p->on_break(p->break_user);
}

static void tell_bytes(struct proxy *p, const struct link *l, enum proxy_way way, const void *data,
                       size_t len)
{
    if (p->on_bytes)
        p->on_bytes(p->bytes_user, l->number, way, data, len);
}

static void link_close(struct proxy *p, struct link *l)
{
    tell_bytes(p, l, PROXY_TO_BROKER, NULL, 0);
    close_fd(&l->fd[CLIENT]);
    close_fd(&l->fd[BROKER]);
    SSL_free(l->tls);
    l->tls = NULL;
    free(l->to[CLIENT]);
    free(l->to[BROKER]);
    memset(l->to, 0, sizeof l->to);
}

static void hang_up(int client)
{
    char word[1024];
    struct timeval patience = {.tv_sec = 1};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t ignored = recv(client, word, sizeof word, 0);
    (void)ignored;
    close(client);
}

static bool is_connect_of_5(int client)
{
    static const char name[] = "\0\4MQTT\5";
    char word[16]; /* a header of 5 bytes at most comes first */
    struct timeval patience = {.tv_sec = 1};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t len = recv(client, word, sizeof word, MSG_PEEK);
    return len > 0 && memmem(word, (size_t)len, name, sizeof name - 1);
}

/* All that it said is read, so that the end is no reset. */
static void refuse_5(const struct proxy *p, int client)
{
    static const char connack[] = {0x20, 2, 0, 1};
    char word[1024];
    ssize_t ignored = recv(client, word, sizeof word, 0);
    if (!p->silent)
        ignored = send(client, connack, sizeof connack, MSG_NOSIGNAL);
    (void)ignored;
    close(client);
}

static void accept_link(struct proxy *p)
{
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    p->accepted++;
    pthread_cond_broadcast(&p->accepts);
    if (p->hangs_up) {
        hang_up(client);
        return;
    }
    if (p->refuses_5 && is_connect_of_5(client)) {
        refuse_5(p, client);
        return;
    }
    int broker = p->link_count < LINKS_MAX ? port_connect(p->upstream) : -1;
    if (broker < 0) {
        reset_on_close(client);
        close(client);
        return;
    }
    struct link *l = &p->links[p->link_count++];
    *l = (struct link){.number = p->accepted,
                       .fd = {client, broker},
                       .tls = p->context ? tls_end_create(p->context, client) : NULL};
    l->to[CLIENT] = must_alloc(sizeof *l->to[CLIENT]);
    l->to[BROKER] = must_alloc(sizeof *l->to[BROKER]);
    l->to[CLIENT]->start = l->to[CLIENT]->end = 0;
    l->to[BROKER]->start = l->to[BROKER]->end = 0;
}

static bool is_half_open(const struct link *l)
{
    return (l->fd[CLIENT] < 0) != (l->fd[BROKER] < 0);
}

/* What to wait for at one end: bytes to send there, else room for bytes from there. */
static short interest(const struct link *l, int end)
{
    if (is_half_open(l))
        return POLLIN;
    const struct hop *in = l->to[!end], *out = l->to[end];
    bool has_room = in->start == in->end && !l->ended[end];
    return (short)((out->start < out->end ? POLLOUT : 0) | (has_room ? POLLIN : 0));
}

static ssize_t take_from(const struct link *l, int end, void *to, size_t size)
{
    return l->tls && end == CLIENT ? tls_end_receive(l->tls, to, size)
                                   : recv(l->fd[end], to, size, MSG_DONTWAIT);
}

static ssize_t give_to(const struct link *l, int end, const void *data, size_t len)
{
    return l->tls && end == CLIENT ? tls_end_send(l->tls, data, len)
                                   : send(l->fd[end], data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The other end is told, and may go on talking: who closed at once would throw away what that end has not
 * read yet. false: both have ended. */
static bool end_of(struct link *l, int end)
{
    l->ended[end] = true;
    if (l->tls && end == BROKER)
        tls_end_farewell(l->tls);
    shutdown(l->fd[!end], SHUT_WR);
    return !l->ended[!end];
}

/* false: that end is gone. */
static bool receive(struct link *l, int end)
{
    struct hop *h = l->to[!end];
    if (h->start < h->end || l->ended[end])
        return true;
    ssize_t n = take_from(l, end, h->bytes, sizeof h->bytes);
    if (n == 0)
        return end_of(l, end);
    h->start = 0;
    h->end = n > 0 ? (size_t)n : 0;
    return n > 0 || errno == EAGAIN;
}

static bool transmit(struct proxy *p, struct link *l, int end)
{
    struct hop *h = l->to[end];
    ssize_t n = give_to(l, end, h->bytes + h->start, h->end - h->start);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    tell_bytes(p, l, end == BROKER ? PROXY_TO_BROKER : PROXY_TO_CLIENT, h->bytes + h->start, (size_t)n);
    h->start += (size_t)n;
    return true;
}

/* What one end of a half-open link says goes nowhere, until it closes too. */
static bool swallow(const struct link *l, const short ready[2])
{
    static char nowhere[HOP_BYTES];
    int end = l->fd[CLIENT] >= 0 ? CLIENT : BROKER;
    return !ready[end] || recv(l->fd[end], nowhere, sizeof nowhere, MSG_DONTWAIT) > 0;
}

static bool serve_end(struct proxy *p, struct link *l, int end, short ready)
{
    if (ready & POLLERR || (ready & POLLHUP && l->ended[end]))
        return false;
    bool sends = !(ready & POLLOUT) || transmit(p, l, end);
    bool receives = !(ready & (POLLIN | POLLHUP)) || receive(l, end);
    return sends && receives;
}

static void serve_link(struct proxy *p, struct link *l, const short ready[2])
{
    if (is_half_open(l)) {
        if (!swallow(l, ready))
            link_close(p, l);
        return;
    }
    bool client_lives = serve_end(p, l, CLIENT, ready[CLIENT]);
    if (!client_lives || !serve_end(p, l, BROKER, ready[BROKER])) {
        link_close(p, l);
        tell_break(p);
    }
}

static void forget_closed_links(struct proxy *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->link_count; i++)
        if (p->links[i].fd[CLIENT] >= 0 || p->links[i].fd[BROKER] >= 0)
            p->links[kept++] = p->links[i];
    p->link_count = kept;
}

/* 2 entries for the proxy itself, then 2 for each link. */
static size_t fill_polls(const struct proxy *p, struct pollfd *polls)
{
    polls[0] = (struct pollfd){.fd = p->wake, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = p->stalled ? -1 : p->listener, .events = POLLIN};
    for (size_t i = 0; i < p->link_count; i++) {
        const struct link *l = &p->links[i];
        for (int end = CLIENT; end <= BROKER; end++)
            polls[2 + 2 * i + (size_t)end] =
                (struct pollfd){.fd = p->stalled ? -1 : l->fd[end], .events = interest(l, end)};
    }
    return 2 + 2 * p->link_count;
}

/* The links may have changed while it polled: a wake-up is looked at alone. */
static void serve(struct proxy *p, const struct pollfd *polls)
{
    if (polls[0].revents) {
        eventfd_t count;
        eventfd_read(p->wake, &count);
        return;
    }
    for (size_t i = 0; i < p->link_count; i++)
        serve_link(p, &p->links[i], (short[2]){polls[2 + 2 * i].revents, polls[3 + 2 * i].revents});
    forget_closed_links(p);
    if (polls[1].revents)
        accept_link(p);
}

static void *run(void *user)
{
    struct proxy *p = user;
    struct pollfd polls[2 + 2 * LINKS_MAX];
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE); /* OpenSSL writes without MSG_NOSIGNAL */
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    pthread_mutex_lock(&p->lock);
    while (!p->ending) {
        size_t count = fill_polls(p, polls);
        pthread_mutex_unlock(&p->lock);
        poll(polls, (nfds_t)count, -1);
        struct pollfd again = {.fd = p->wake, .events = POLLIN};
        pthread_mutex_lock(&p->lock);
        if (poll(&again, 1, 0) == 1)
            polls[0].revents = POLLIN;
        serve(p, polls);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void proxy_end(void *thing)
{
    struct proxy *p = thing;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    eventfd_write(p->wake, 1);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < p->link_count; i++)
        link_close(p, &p->links[i]);
    close(p->listener);
    close(p->wake);
    SSL_CTX_free(p->context);
    free(p);
}

static struct proxy *start(uint16_t upstream_port, const char *ca_file)
{
    struct proxy *p = must_alloc(sizeof *p);
    memset(p, 0, sizeof *p);
    p->listener = port_listen(&p->port);
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->upstream = upstream_port;
    CHECK(p->wake >= 0);
    p->ca_file = ca_file;
    p->context = ca_file ? tls_end_context(ca_file) : NULL;
    snprintf(p->url, sizeof p->url, "mqtt%s://%s127.0.0.1:%u", ca_file ? "s" : "", other_broker_login(),
             p->port);
    pthread_mutex_init(&p->lock, NULL);
    moment_cond_init(&p->accepts);
    CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
    at_end_of_test(proxy_end, p);
    return p;
}

struct proxy *proxy_start(uint16_t upstream_port)
{
    return start(upstream_port, NULL);
}

struct proxy *proxy_start_tls(uint16_t upstream_port)
{
    return start(upstream_port, path_in(folder_create(), "ca.crt"));
}

const char *proxy_ca_file(const struct proxy *p)
{
    return p->ca_file;
}

uint16_t proxy_port(const struct proxy *p)
{
    return p->port;
}

const char *proxy_url(const struct proxy *p)
{
    return p->url;
}

size_t proxy_cut(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    eventfd_write(p->wake, 1);
    for (size_t i = 0; i < p->link_count; i++) {
        reset_on_close(p->links[i].fd[CLIENT]);
        link_close(p, &p->links[i]);
    }
    tell_break(p);
    size_t count = p->link_count;
    p->link_count = 0;
    pthread_mutex_unlock(&p->lock);
    return count;
}

void proxy_hang_up(struct proxy *p, bool hangs_up)
{
    pthread_mutex_lock(&p->lock);
    p->hangs_up = hangs_up;
    pthread_mutex_unlock(&p->lock);
}

static void set_refuses_5(struct proxy *p, bool refuses, bool silent)
{
    CHECK(!p->context); /* a CONNECT in TLS is not looked for */
    pthread_mutex_lock(&p->lock);
    p->refuses_5 = refuses;
    p->silent = silent;
    pthread_mutex_unlock(&p->lock);
}

void proxy_refuse_5(struct proxy *p, bool silent)
{
    set_refuses_5(p, true, silent);
}

void proxy_take_5(struct proxy *p)
{
    set_refuses_5(p, false, false);
}

static void set_stalled(struct proxy *p, bool stalled)
{
    pthread_mutex_lock(&p->lock);
    eventfd_write(p->wake, 1);
    p->stalled = stalled;
    pthread_mutex_unlock(&p->lock);
}

void proxy_stall(struct proxy *p)
{
    set_stalled(p, true);
}

void proxy_resume(struct proxy *p)
{
    set_stalled(p, false);
}

/* That end of each link is closed, the other stays. */
static void close_ends(struct proxy *p, int end)
{
    pthread_mutex_lock(&p->lock);
    eventfd_write(p->wake, 1);
    for (size_t i = 0; i < p->link_count; i++)
        if (!is_half_open(&p->links[i]))
            close_fd(&p->links[i].fd[end]);
    tell_break(p);
    pthread_mutex_unlock(&p->lock);
}

void proxy_half_open(struct proxy *p)
{
    close_ends(p, BROKER);
}

void proxy_abandon(struct proxy *p)
{
    close_ends(p, CLIENT);
}

void proxy_tap(struct proxy *p,
               void (*on_bytes)(void *user, size_t connection, enum proxy_way way, const void *data,
                                size_t len),
               void *user)
{
    pthread_mutex_lock(&p->lock);
    p->on_bytes = on_bytes;
    p->bytes_user = user;
    pthread_mutex_unlock(&p->lock);
}

void proxy_watch(struct proxy *p, void (*on_break)(void *user), void *user)
{
    pthread_mutex_lock(&p->lock);
    p->on_break = on_break;
    p->break_user = user;
    pthread_mutex_unlock(&p->lock);
}

size_t proxy_connections(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    size_t count = p->accepted;
    pthread_mutex_unlock(&p->lock);
    return count;
}

bool proxy_accepts(struct proxy *p, size_t count, int within_ms)
{
    struct timespec until = moment_in(within_ms);
    pthread_mutex_lock(&p->lock);
    while (p->accepted < count && pthread_cond_timedwait(&p->accepts, &p->lock, &until) == 0)
        ;
    bool enough = p->accepted >= count;
    pthread_mutex_unlock(&p->lock);
    return enough;
}
