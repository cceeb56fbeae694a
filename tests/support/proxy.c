#include "support/proxy.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/port.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS_MAX = 64, HOP_BYTES = 64 * 1024, CLIENT = 0, BROKER = 1 };

/* Bytes on their way to one end of a link. */
struct hop {
    size_t start, end;
    char bytes[HOP_BYTES];
};

struct link {
    int fd[2]; /* CLIENT and BROKER; -1: closed */
    struct hop *to[2];
};

struct proxy {
    pthread_t thread;
    pthread_mutex_t lock; /* over all below; the thread gives it up while it polls */
    int listener, wake;
    uint16_t upstream;
    char url[64];
    bool stalled, ending;
    size_t accepted, link_count;
    struct link links[LINKS_MAX];
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

static void link_close(struct link *l)
{
    close_fd(&l->fd[CLIENT]);
    close_fd(&l->fd[BROKER]);
    free(l->to[CLIENT]);
    free(l->to[BROKER]);
    memset(l->to, 0, sizeof l->to);
}

static void accept_link(struct proxy *p)
{
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    p->accepted++;
    int broker = p->link_count < LINKS_MAX ? port_connect(p->upstream) : -1;
    if (broker < 0) {
        reset_on_close(client);
        close(client);
        return;
    }
    struct link *l = &p->links[p->link_count++];
    *l = (struct link){.fd = {client, broker}};
    l->to[CLIENT] = must_alloc(sizeof *l->to[CLIENT]);
    l->to[BROKER] = must_alloc(sizeof *l->to[BROKER]);
    l->to[CLIENT]->start = l->to[CLIENT]->end = 0;
    l->to[BROKER]->start = l->to[BROKER]->end = 0;
}

/* What to wait for at one end: bytes to send there, else room for bytes from there. */
static short interest(const struct link *l, int end)
{
    const struct hop *in = l->to[!end], *out = l->to[end];
    return (short)((out->start < out->end ? POLLOUT : 0) | (in->start == in->end ? POLLIN : 0));
}

/* false: that end is gone. */
static bool receive(struct link *l, int end)
{
    struct hop *h = l->to[!end];
    if (h->start < h->end)
        return true;
    ssize_t n = recv(l->fd[end], h->bytes, sizeof h->bytes, MSG_DONTWAIT);
    h->start = 0;
    h->end = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool transmit(struct link *l, int end)
{
    struct hop *h = l->to[end];
    ssize_t n = send(l->fd[end], h->bytes + h->start, h->end - h->start, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        h->start += (size_t)n;
    return n > 0;
}

/* One end closes and the other follows, once it has been sent what was under way. */
static void serve_link(struct link *l, const short ready[2])
{
    bool alive = true;
    for (int end = CLIENT; end <= BROKER; end++) {
        if (ready[end] & POLLOUT)
            alive = transmit(l, end) && alive;
        if (ready[end] & (POLLIN | POLLHUP | POLLERR))
            alive = receive(l, end) && alive;
    }
    if (!alive)
        link_close(l);
}

static void forget_closed_links(struct proxy *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->link_count; i++)
        if (p->links[i].fd[CLIENT] >= 0)
            p->links[kept++] = p->links[i];
    p->link_count = kept;
}

/* 2 entries for the proxy itself, then 2 for each link. A link whose broker end is closed is half open. */
static size_t fill_polls(const struct proxy *p, struct pollfd *polls)
{
    polls[0] = (struct pollfd){.fd = p->wake, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = p->stalled ? -1 : p->listener, .events = POLLIN};
    for (size_t i = 0; i < p->link_count; i++) {
        const struct link *l = &p->links[i];
        bool moves = !p->stalled && l->fd[BROKER] >= 0;
        for (int end = CLIENT; end <= BROKER; end++)
            polls[2 + 2 * i + (size_t)end] =
                (struct pollfd){.fd = moves ? l->fd[end] : -1, .events = moves ? interest(l, end) : 0};
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
        serve_link(&p->links[i], (short[2]){polls[2 + 2 * i].revents, polls[3 + 2 * i].revents});
    forget_closed_links(p);
    if (polls[1].revents)
        accept_link(p);
}

static void *run(void *user)
{
    struct proxy *p = user;
    struct pollfd polls[2 + 2 * LINKS_MAX];
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
        link_close(&p->links[i]);
    close(p->listener);
    close(p->wake);
    free(p);
}

struct proxy *proxy_start(uint16_t upstream_port)
{
    struct proxy *p = must_alloc(sizeof *p);
    memset(p, 0, sizeof *p);
    uint16_t port;
    p->listener = port_listen(&port);
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->upstream = upstream_port;
    CHECK(p->wake >= 0);
    snprintf(p->url, sizeof p->url, "mqtt://127.0.0.1:%u", port);
    pthread_mutex_init(&p->lock, NULL);
    CHECK(pthread_create(&p->thread, NULL, run, p) == 0);
    at_end_of_test(proxy_end, p);
    return p;
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
        link_close(&p->links[i]);
    }
    size_t count = p->link_count;
    p->link_count = 0;
    pthread_mutex_unlock(&p->lock);
    return count;
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

void proxy_half_open(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    eventfd_write(p->wake, 1);
    for (size_t i = 0; i < p->link_count; i++)
        close_fd(&p->links[i].fd[BROKER]);
    pthread_mutex_unlock(&p->lock);
}

size_t proxy_connections(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    size_t count = p->accepted;
    pthread_mutex_unlock(&p->lock);
    return count;
}
