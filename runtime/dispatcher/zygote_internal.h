/* zygote_internal.h: what zygote.c, the life of the process, and zygote_orders.c, what it is told, share.
 *
 * On the loop thread. */
#ifndef HARK_DISPATCHER_ZYGOTE_INTERNAL_H
#define HARK_DISPATCHER_ZYGOTE_INTERNAL_H

#include "dispatcher/zygote.h"
#include "dispatcher/zygote_health.h"

enum { ZYGOTE_BUCKETS = 64 };

LIST_HEAD(child_list, zygote_child);

struct zygote {
    uv_loop_t *loop;
    char *program;
    char user[32];    /* "UID:GID", or "-" */
    char *waived;     /* names of layers, or "-" */
    int cgroup_procs; /* -1: none */
    bool grants;      /* zygote_options */
    uint32_t waived_bits;
    uv_poll_t poll;
    uv_timer_t respawn;
    uv_timer_t look; /* at its health, while there is one */
    struct zygote_health health;
    int control;       /* -1: none */
    int pid;           /* 0: none */
    bool knows_layers; /* its first packet has come */
    bool is_silent;    /* it gave no answer and was killed; its end is still to come */
    bool is_kept;      /* started again however often it dies: one has known its layers, or hark serves */
    bool has_given_up; /* none has known its layers, and there is no further try */
    unsigned tries;    /* of a start, since the last that went well */
    struct zygote_layers layers;
    struct zygote_layers judged; /* the first that were told, which were found good enough; all 0: none yet */
    uint64_t respawn_ms;
    uint32_t last_id;
    struct child_list children[ZYGOTE_BUCKETS];
    STAILQ_HEAD(, waiting_order) waiting;
    bool closing;
    int handles; /* not closed yet */
};

/* Of its control socket; also when orders wait for room in it. */
void zygote_on_event(uv_poll_t *poll, int status, int events);

/* NULL: it is gone already. */
struct zygote_child *zygote_find(struct zygote *z, uint32_t id);
/* Forgets the child and tells its owner; nothing when it is gone already. */
void zygote_tell_exited(struct zygote *z, uint32_t worker, int status);

/* Asks for a sign of life. */
void zygote_ping(struct zygote *z);

/* The orders that wait, once there is room for them; those that the seal forbids fail. */
void zygote_send_waiting(struct zygote *z);
void zygote_forget_waiting(struct zygote *z);

#endif
