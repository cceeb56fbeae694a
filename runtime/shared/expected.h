/* expected.h: the length of what comes next, guessed from the last of it that was long: so that it can be
 * read where it is to stay, from its first byte.
 *
 * Any process, one thread; pure. Long ones seldom come alone, and short ones lie between them. A wrong guess
 * costs memory that is reserved for one read, no more. A zeroed struct expects nothing. */
#ifndef HARK_SHARED_EXPECTED_H
#define HARK_SHARED_EXPECTED_H

#include <stdbool.h>
#include <stddef.h>

enum {
    EXPECTED_MIN = 16 * 1024, /* bytes: shorter ones are cheaper to copy */
    EXPECTED_MAX = 1024 * 1024,
    EXPECTED_READS = 8 /* one of which has to bring the beginning of it */
};

struct expected {
    size_t bytes;
    unsigned reads; /* to come; 0: nothing is expected */
};

/* One of so many bytes has come. */
static inline void expected_learn(struct expected *e, size_t bytes)
{
    if (bytes > EXPECTED_MIN && bytes <= EXPECTED_MAX)
        *e = (struct expected){bytes, EXPECTED_READS};
}

/* Another read is over. */
static inline void expected_read(struct expected *e)
{
    e->reads -= e->reads > 0;
}

/* How many bytes are missing when `have` are here; 0 when nothing is expected. */
static inline size_t expected_missing(const struct expected *e, size_t have)
{
    return e->reads > 0 && e->bytes > have ? e->bytes - have : 0;
}

/* Is the rest of what has begun, `have` bytes of it or none, to be read where it is to stay? What has brought
 * no more than a few is read with all that follows it, and copied. */
static inline bool expected_in_place(const struct expected *e, size_t have)
{
    return have > EXPECTED_MIN || expected_missing(e, have) > 0;
}

#endif
