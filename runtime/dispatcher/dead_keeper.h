/* dead_keeper.h: brings dead letters to the disk without making the loop wait for it.
 *
 * On the loop thread, one a node. What comes while a thread writes goes with the next turn of it; so a slow
 * disk makes dead letters slow, and no function else. Bounded in number and bytes: what is over is not kept,
 * what is kept is never thrown away for it. */
#ifndef HARK_DISPATCHER_DEAD_KEEPER_H
#define HARK_DISPATCHER_DEAD_KEEPER_H

#include "dispatcher/dead_store.h"

#include <uv.h>

struct dead_keeper_limits {
    uint64_t count, bytes;
};

/* Takes the folder's descriptor; `path` is for complaints, copied. NULL: out of memory; then the descriptor
 * is the caller's. */
struct dead_keeper *dead_keeper_create(uv_loop_t *loop, int folder, const char *path,
                                       const struct dead_keeper_limits *limits);

/* Embedded in what waits for it. */
struct dead_ticket {
    struct keep_job *job; /* NULL: nothing is under way */
    /* The dead letter is safe on disk (0), or will not be kept (negative errno; said in the log). In a later
     * turn of the loop. */
    void (*kept)(struct dead_ticket *ticket, int error);
};

/* Keeps a copy of the letter. 0, or -ENOMEM; then kept() is not called. */
__attribute__((warn_unused_result)) int dead_keeper_keep(struct dead_keeper *k, struct dead_ticket *ticket,
                                                         const struct dead_letter *letter);
/* The ticket goes: kept() is not called any more. The letter is kept all the same. */
void dead_keeper_forget(struct dead_ticket *ticket);

/* Asynchronous: finishes what it has, frees itself, then on_closed. NULL is fine: on_closed is called at
 * once. */
void dead_keeper_close(struct dead_keeper *k, void (*on_closed)(void *user), void *user);

#endif
