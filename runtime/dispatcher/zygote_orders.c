/* zygote_orders.c: what the zygote is told: packets on its control socket, in turn, with descriptors. Those
 * that find no room, or come before the layers are known, wait. */
#include "dispatcher/zygote_internal.h"

#include "dispatcher/seal_policy.h"
#include "shared/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As it is sent: of the grants, as many bytes as there are. */
struct order_packet {
    struct zygote_order order;
    char grants[GRANTS_BYTES_MAX];
};

/* An order that the socket had no room for. */
struct waiting_order {
    STAILQ_ENTRY(waiting_order) link;
    int fds[ZYGOTE_FDS_MAX]; /* -1: none */
    struct order_packet packet;
};

static void close_all(const int fds[ZYGOTE_FDS_MAX])
{
    for (int i = 0; i < ZYGOTE_FDS_MAX; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

struct zygote_child *zygote_find(struct zygote *z, uint32_t id)
{
    struct zygote_child *child;
    LIST_FOREACH (child, &z->children[id % ZYGOTE_BUCKETS], link) {
        if (child->id == id)
            return child;
    }
    return NULL;
}

static size_t packet_bytes(const struct order_packet *packet)
{
    return offsetof(struct order_packet, grants) + packet->order.grants_bytes;
}

static int send_order(struct zygote *z, const struct order_packet *packet, const int fds[ZYGOTE_FDS_MAX])
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * ZYGOTE_FDS_MAX)];
    } control = {0};
    struct iovec bytes = {(void *)(uintptr_t)packet, packet_bytes(packet)};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (fds[0] >= 0) {
        size_t count = fds[ZYGOTE_FD_CGROUP] >= 0 ? ZYGOTE_FDS_MAX : ZYGOTE_FD_COUNT;
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int) * count)};
        memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
    }
    return sendmsg(z->control, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int keep_for_later(struct zygote *z, const struct order_packet *packet, const int fds[ZYGOTE_FDS_MAX])
{
    struct waiting_order *waiting = malloc(sizeof *waiting);
    if (!waiting)
        return -ENOMEM;
    memcpy(&waiting->packet, packet, packet_bytes(packet));
    memcpy(waiting->fds, fds, sizeof waiting->fds);
    STAILQ_INSERT_TAIL(&z->waiting, waiting, link);
    if (z->knows_layers)
        uv_poll_start(&z->poll, UV_READABLE | UV_WRITABLE, zygote_on_event);
    return 0;
}

static int try_order(struct zygote *z, const struct order_packet *packet, const int fds[ZYGOTE_FDS_MAX])
{
    if (z->control < 0)
        return -ECHILD;
    if (!z->knows_layers)
        return -EAGAIN;
    if (!seal_holds(&z->layers))
        return -EPERM;
    return STAILQ_EMPTY(&z->waiting) ? send_order(z, packet, fds) : -EAGAIN;
}

static int give_order(struct zygote *z, const struct order_packet *packet, const int fds[ZYGOTE_FDS_MAX])
{
    int error = try_order(z, packet, fds);
    if (error == -EAGAIN) {
        error = keep_for_later(z, packet, fds);
        if (!error)
            return 0; /* the fds are kept with it */
    }
    close_all(fds);
    return error;
}

int zygote_fork(struct zygote *z, struct zygote_child *child, const int fds[ZYGOTE_FDS_MAX],
                const struct seal_limits *limits, const struct grants *grants, bool is_spare)
{
    struct order_packet packet;
    child->id = ++z->last_id;
    packet.order = (struct zygote_order){.type = ZYGOTE_FORK,
                                         .worker = child->id,
                                         .limits = *limits,
                                         .is_spare = is_spare,
                                         .grants_bytes = grants_encode(grants, packet.grants)};
    int error = give_order(z, &packet, fds);
    if (error)
        return error;
    LIST_INSERT_HEAD(&z->children[child->id % ZYGOTE_BUCKETS], child, link);
    zygote_health_ask(&z->health, clock_now_ns());
    return 0;
}

static const int no_fds[ZYGOTE_FDS_MAX] = {-1, -1, -1, -1};

void zygote_kill(struct zygote *z, struct zygote_child *child)
{
    struct order_packet packet;
    packet.order = (struct zygote_order){.type = ZYGOTE_KILL, .worker = child->id};
    int error = give_order(z, &packet, no_fds);
    if (error && error != -ECHILD)
        log_error("cannot order worker %u to be killed: %s", child->id, strerror(-error));
}

/* Orders that find no room are a question as well. Any other error is seen by who reads. */
void zygote_ping(struct zygote *z)
{
    struct order_packet packet;
    packet.order = (struct zygote_order){.type = ZYGOTE_PING};
    if (STAILQ_EMPTY(&z->waiting))
        (void)send_order(z, &packet, no_fds);
    zygote_health_ask(&z->health, clock_now_ns());
}

void zygote_forget_waiting(struct zygote *z)
{
    struct waiting_order *waiting;
    while ((waiting = STAILQ_FIRST(&z->waiting))) {
        STAILQ_REMOVE_HEAD(&z->waiting, link);
        close_all(waiting->fds);
        free(waiting);
    }
}

void zygote_tell_exited(struct zygote *z, uint32_t worker, int status)
{
    struct zygote_child *child = zygote_find(z, worker);
    if (!child)
        return;
    LIST_REMOVE(child, link);
    child->exited(child, status);
}

void zygote_send_waiting(struct zygote *z)
{
    struct waiting_order *waiting;
    bool holds = seal_holds(&z->layers);
    while ((waiting = STAILQ_FIRST(&z->waiting))) {
        int error = holds ? send_order(z, &waiting->packet, waiting->fds) : -EPERM;
        if (error == -EAGAIN)
            return;
        uint32_t worker = waiting->packet.order.worker;
        bool is_fork = waiting->packet.order.type == ZYGOTE_FORK;
        STAILQ_REMOVE_HEAD(&z->waiting, link);
        close_all(waiting->fds);
        free(waiting);
        if (error && is_fork)
            zygote_tell_exited(z, worker, error); /* nobody else will */
        else if (is_fork)
            zygote_health_ask(&z->health, clock_now_ns());
    }
    uv_poll_start(&z->poll, UV_READABLE, zygote_on_event);
}
