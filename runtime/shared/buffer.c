#include "shared/buffer.h"

#include "shared/check.h"

#include <stdlib.h>

enum {
    FIRST_CAPACITY = 256,
    ROUNDED_MIN = 64 * 1024, /* from here on capacities are rounded up to ROUNDING, not to a power of two */
    ROUNDING = 4096
};

void buffer_finish(struct buffer *b)
{
    free(b->memory);
    *b = (struct buffer){0};
}

uint8_t *buffer_take(struct buffer *b)
{
    CHECK(buffer_length(b) > 0);
    bool fits = b->capacity - b->end < b->end / 8;
    uint8_t *memory = b->memory, *fitting = fits ? NULL : realloc(memory, b->end);
    *b = (struct buffer){0};
    return fitting ? fitting : memory;
}

void buffer_trim(struct buffer *b)
{
    if (buffer_length(b) == 0)
        buffer_finish(b);
}

void buffer_trim_to(struct buffer *b, size_t most)
{
    if (b->capacity > most)
        buffer_trim(b);
    else if (buffer_length(b) == 0)
        buffer_clear(b);
}

static void move_to_front(struct buffer *b)
{
    if (!b->memory || b->start == 0)
        return;
    memmove(b->memory, b->memory + b->start, buffer_length(b));
    b->end -= b->start;
    b->start = 0;
}

/* At least twice what it was, so that what is appended is copied twice at most. But no more than that where
 * much is asked for at once: malloc finds memory again that is taken and given back in the same size. */
static size_t larger(size_t capacity, size_t needed)
{
    size_t rounded = (needed + ROUNDING - 1) / ROUNDING * ROUNDING;
    if (needed >= ROUNDED_MIN)
        return rounded > 2 * capacity ? rounded : 2 * capacity;
    if (capacity == 0)
        capacity = FIRST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    return capacity;
}

static bool grow(struct buffer *b, size_t len)
{
    size_t needed;
    if (__builtin_add_overflow(buffer_length(b), len, &needed) || needed > SIZE_MAX / 4)
        return false;
    size_t capacity = larger(b->capacity, needed);
    move_to_front(b);
    uint8_t *memory = realloc(b->memory, capacity);
    if (!memory)
        return false;
    b->memory = memory;
    b->capacity = capacity;
    return true;
}

uint8_t *buffer_reserve(struct buffer *b, size_t len)
{
    if (b->failed)
        return NULL;
    if (b->memory && len <= b->capacity - b->end)
        return b->memory + b->end;
    /* Moving is worth it only when at least half of the memory lies consumed in front. */
    if (b->start >= b->capacity / 2 && b->memory && len <= b->capacity - buffer_length(b))
        move_to_front(b);
    else if (!grow(b, len))
        b->failed = true;
    return b->failed ? NULL : b->memory + b->end;
}

void buffer_commit(struct buffer *b, size_t len)
{
    CHECK(len <= b->capacity - b->end);
    b->end += len;
}

void buffer_append(struct buffer *b, const void *data, size_t len)
{
    uint8_t *room = buffer_reserve(b, len);
    if (!room)
        return;
    if (len)
        memcpy(room, data, len);
    b->end += len;
}

void buffer_consume(struct buffer *b, size_t len)
{
    CHECK(len <= buffer_length(b));
    b->start += len;
    if (b->start == b->end)
        b->start = b->end = 0;
}

void buffer_clear(struct buffer *b)
{
    b->start = b->end = 0;
    b->failed = false;
}

void buffer_truncate(struct buffer *b, size_t len)
{
    CHECK(len <= buffer_length(b));
    b->end = b->start + len;
}

void buffer_fill(struct buffer *b, size_t gap, struct slice filling, size_t taken)
{
    CHECK(gap <= buffer_length(b) && taken <= buffer_length(b) + filling.len);
    size_t before = taken < gap ? taken : gap;
    size_t within = taken - before < filling.len ? taken - before : filling.len;
    size_t tail = buffer_length(b) - gap, left = filling.len - within;
    if (left > 0) {
        uint8_t *end = buffer_reserve(b, left);
        if (!end)
            return;
        memmove(end - tail + left, end - tail, tail);
        memcpy(end - tail, filling.data + within, left);
        buffer_commit(b, left);
    }
    buffer_consume(b, taken - within);
}
