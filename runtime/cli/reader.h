/* reader.h: whether standard output still has a reader, where it is a pipe or a socket: so that what is
 * printed for somebody ends with them, and not with the next line.
 *
 * On the loop thread. */
#ifndef HARK_CLI_READER_H
#define HARK_CLI_READER_H

#include <stdbool.h>
#include <uv.h>

struct reader {
    uv_poll_t poll;
    int watched; /* an epoll(7) of standard output; -1: it is not watched */
    void (*gone)(void *user);
    void *user;
};

/* gone(user) is called once, in a later turn. What has no reader that could go, a file, is not watched. It
 * does not keep the loop running. */
void reader_watch(struct reader *r, uv_loop_t *loop, void (*gone)(void *user), void *user);

/* Asynchronous: *r stays in use until the loop has run once more. */
void reader_close(struct reader *r);

#endif
