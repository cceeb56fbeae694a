/* channel.h: the worker's end of the socketpair to the dispatcher, with a buffer for each direction.
 *
 * In the worker, one thread, blocking. Without the dispatcher a worker has no purpose: when the other end is
 * gone these calls end the process at once, and do not return. */
#ifndef HARK_WORKER_CHANNEL_H
#define HARK_WORKER_CHANNEL_H

#include "shared/buffer.h"

enum { CHANNEL_BATCH_BYTES = 64 * 1024 }; /* read at once, and the most that is held back before a write */

struct channel {
    int fd;
    struct buffer in;
    struct buffer out;
    size_t undo; /* length of `out` when the call in progress began; 0 once that was sent */
};

/* Gets the memory for both directions now, while there is some. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int channel_init(struct channel *c, int fd);

/* As channel_receive, for the first bytes of all. Returns the descriptor that came with them, or -1. */
int channel_receive_first(struct channel *c);

/* Waits for bytes and appends them to c->in: as much as a batch, or what is missing to `wanted` bytes. */
void channel_receive(struct channel *c, size_t wanted);

/* Sends all of c->out. */
void channel_flush(struct channel *c);

/* The same with `bytes` at `gap` of it, which are not copied: buffer_fill. */
void channel_send_around(struct channel *c, size_t gap, struct slice bytes);

#endif
