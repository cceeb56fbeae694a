/* buffer.h: a growable byte queue: append at the end, consume at the front.
 *
 * Any process, one thread. A zeroed struct is an empty buffer. Memory grows by doubling and is given back by
 * buffer_finish, or by buffer_trim when it is empty. An append that cannot get memory marks the buffer failed
 * and appends nothing more: check buffer_failed once, after a run of appends. */
#ifndef HARK_SHARED_BUFFER_H
#define HARK_SHARED_BUFFER_H

#include "shared/slice.h"

#include <stdint.h>

/* Room that may be reserved for what is announced, in lengths of what has come: each growth copies what is
 * there, and memory that nothing was written to is none yet. */
enum { BUFFER_AHEAD = 7 };

struct buffer {
    uint8_t *memory;
    size_t start;    /* first byte not consumed yet */
    size_t end;      /* one past the last byte */
    size_t capacity; /* bytes in memory */
    bool failed;
};

void buffer_finish(struct buffer *b); /* frees; the buffer is empty and usable again */
void buffer_trim(struct buffer *b);   /* frees the memory if the buffer is empty */
/* As buffer_trim, but memory of at most `most` bytes stays, for the next append. */
void buffer_trim_to(struct buffer *b, size_t most);

/* The memory, which the caller frees, with what is in it, which is not nothing; the buffer is empty, and has
 * none. */
uint8_t *buffer_take(struct buffer *b);

static inline size_t buffer_length(const struct buffer *b)
{
    return b->end - b->start;
}

/* NULL when the buffer has never had memory. */
static inline uint8_t *buffer_data(struct buffer *b)
{
    return b->memory ? b->memory + b->start : NULL;
}

static inline bool buffer_failed(const struct buffer *b)
{
    return b->failed;
}

/* Room for `len` more bytes at the end; returns where they go, or NULL when memory is gone. Until
 * buffer_commit they are not part of the buffer. */
uint8_t *buffer_reserve(struct buffer *b, size_t len);
void buffer_commit(struct buffer *b, size_t len);

void buffer_append(struct buffer *b, const void *data, size_t len);
void buffer_consume(struct buffer *b, size_t len); /* len <= buffer_length */
void buffer_clear(struct buffer *b);               /* empty, not failed, keeps its memory */
/* Bytes that lie elsewhere and belong at `gap`: of the whole, the first `taken` bytes are done with, and the
 * rest becomes what the buffer holds. gap <= buffer_length, taken <= buffer_length + filling.len. */
void buffer_fill(struct buffer *b, size_t gap, struct slice filling, size_t taken);
void buffer_truncate(struct buffer *b, size_t len); /* back to a length it had: undoes appends */

#endif
