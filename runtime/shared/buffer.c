#include "shared/buffer.h"

#include "shared/check.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

void buffer_finish(struct buffer *b)
{
    free(b->memory);
    *b = (struct buffer){0};
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

static bool grow(struct buffer *b, size_t len)
{
    size_t needed, capacity = b->capacity ? b->capacity : FIRST_CAPACITY;
    if (__builtin_add_overflow(buffer_length(b), len, &needed) || needed > SIZE_MAX / 4)
        return false;
    while (capacity < needed)
        capacity *= 2;
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
