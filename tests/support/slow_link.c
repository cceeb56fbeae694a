#include "support/slow_link.h"

#include "shared/check.h"
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/port.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

/* Little may wait at the relay: the sender's own TCP is to feel the line. */
enum { PAIRS_MAX = 16, PIECE_BYTES = 4096, WAITING_MAX = 32 * 1024, RECEIVE_BUFFER = 8 * 1024 };

struct piece {
    STAILQ_ENTRY(piece) next;
    uint64_t due_ns;
    size_t start, end;
    char bytes[PIECE_BYTES];
};

/* Bytes on their way from fd[i] to fd[!i]. */
struct way {
    STAILQ_HEAD(, piece) pieces;
    size_t waiting;
    bool ended;       /* fd[i] says nothing more */
    uint64_t free_ns; /* when the line has room for the next */
};

struct pair {
    int fd[2]; /* client, broker; -1: closed */
    struct way ways[2];
};

struct slow_link {
    struct slow_link_options options;
    pthread_t thread;
    int listener, ending;
    uint16_t port;
    struct pair pairs[PAIRS_MAX];
    size_t count;
};

static void close_pair(struct pair *p)
{
    struct piece *piece;
    for (int i = 0; i < 2; i++) {
        if (p->fd[i] >= 0)
            close(p->fd[i]);
        p->fd[i] = -1;
        while ((piece = STAILQ_FIRST(&p->ways[i].pieces))) {
            STAILQ_REMOVE_HEAD(&p->ways[i].pieces, next);
            free(piece);
        }
    }
}

static void accept_pair(struct slow_link *l)
{
    int client = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
    CHECK(client >= 0 && l->count < PAIRS_MAX);
    int broker = port_connect(l->options.upstream_port);
    CHECK(broker >= 0);
    struct pair *p = &l->pairs[l->count++];
    *p = (struct pair){.fd = {client, broker}};
    STAILQ_INIT(&p->ways[0].pieces);
    STAILQ_INIT(&p->ways[1].pieces);
}

/* false: the connection is over. */
static bool receive(const struct slow_link *l, struct pair *p, int from)
{
    struct way *way = &p->ways[from];
    struct piece *piece = must_alloc(sizeof *piece);
    ssize_t n = recv(p->fd[from], piece->bytes, sizeof piece->bytes, MSG_DONTWAIT);
    if (n <= 0) {
        free(piece);
        way->ended = n == 0; /* what it said before is still on its way */
        return way->ended;
    }
    uint64_t now_ns = clock_now_ns();
    if (way->free_ns < now_ns)
        way->free_ns = now_ns;
    if (l->options.bytes_per_s)
        way->free_ns += (uint64_t)n * NS_PER_S / l->options.bytes_per_s;
    piece->due_ns = way->free_ns + l->options.delay_ms * NS_PER_MS;
    piece->end = (size_t)n;
    way->waiting += (size_t)n;
    STAILQ_INSERT_TAIL(&way->pieces, piece, next);
    return true;
}

static bool deliver(struct pair *p, int from)
{
    struct way *way = &p->ways[from];
    struct piece *piece;
    while ((piece = STAILQ_FIRST(&way->pieces)) && piece->due_ns <= clock_now_ns()) {
        ssize_t n = send(p->fd[!from], piece->bytes + piece->start, piece->end - piece->start, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        piece->start += (size_t)n;
        way->waiting -= (size_t)n;
        if (piece->start < piece->end)
            continue;
        STAILQ_REMOVE_HEAD(&way->pieces, next);
        free(piece);
    }
    if (way->ended && !piece)
        shutdown(p->fd[!from], SHUT_WR);
    return !(way->ended && !piece && p->ways[!from].ended && STAILQ_EMPTY(&p->ways[!from].pieces));
}

static int milliseconds_until_next(const struct slow_link *l)
{
    uint64_t next_ns = CLOCK_NEVER, now_ns = clock_now_ns();
    for (size_t i = 0; i < l->count; i++) {
        for (int from = 0; from < 2; from++) {
            const struct piece *piece = STAILQ_FIRST(&l->pairs[i].ways[from].pieces);
            if (piece && piece->due_ns < next_ns)
                next_ns = piece->due_ns;
        }
    }
    if (next_ns == CLOCK_NEVER)
        return -1;
    return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / NS_PER_MS) + 1;
}

static void serve(struct slow_link *l, const struct pollfd *polls)
{
    for (size_t i = 0; i < l->count; i++) {
        struct pair *p = &l->pairs[i];
        bool alive = p->fd[0] >= 0;
        for (int from = 0; from < 2 && alive; from++) {
            if (polls[2 + 2 * i + (size_t)from].revents)
                alive = receive(l, p, from);
            alive = alive && deliver(p, from);
        }
        if (!alive && p->fd[0] >= 0)
            close_pair(p);
    }
}

static void *run(void *user)
{
    struct slow_link *l = user;
    struct pollfd polls[2 + 2 * PAIRS_MAX];
    for (;;) {
        polls[0] = (struct pollfd){.fd = l->ending, .events = POLLIN};
        polls[1] = (struct pollfd){.fd = l->listener, .events = POLLIN};
        for (size_t i = 0; i < 2 * l->count; i++) {
            const struct pair *p = &l->pairs[i / 2];
            const struct way *way = &p->ways[i % 2];
            bool listens = way->waiting < WAITING_MAX && !way->ended;
            polls[2 + i] = (struct pollfd){.fd = listens ? p->fd[i % 2] : -1, .events = POLLIN};
        }
        poll(polls, (nfds_t)(2 + 2 * l->count), milliseconds_until_next(l));
        if (polls[0].revents)
            return NULL;
        serve(l, polls);
        if (polls[1].revents)
            accept_pair(l);
    }
}

static void end(void *thing)
{
    struct slow_link *l = thing;
    eventfd_write(l->ending, 1);
    pthread_join(l->thread, NULL);
    for (size_t i = 0; i < l->count; i++)
        close_pair(&l->pairs[i]);
    close(l->listener);
    close(l->ending);
    free(l);
}

struct slow_link *slow_link_start(const struct slow_link_options *o)
{
    struct slow_link *l = must_alloc(sizeof *l);
    l->options = *o;
    l->listener = port_listen(&l->port);
    int bytes = RECEIVE_BUFFER; /* inherited by what is accepted */
    setsockopt(l->listener, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    l->ending = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(l->ending >= 0 && pthread_create(&l->thread, NULL, run, l) == 0);
    at_end_of_test(end, l);
    return l;
}

uint16_t slow_link_port(const struct slow_link *l)
{
    return l->port;
}
