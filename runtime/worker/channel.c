#include "worker/channel.h"

#include "worker/descriptors.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

/* errno tells: the dispatcher has closed, or the descriptor is not what it was (its owner is the function).
 */
static _Noreturn void give_up(const char *doing)
{
    if (errno == EPIPE || errno == ECONNRESET)
        _exit(EXIT_SUCCESS);
    fprintf(stderr, "hark-worker: cannot %s: %m\n", doing);
    _exit(EX_SOFTWARE);
}

int channel_init(struct channel *c, int fd)
{
    *c = (struct channel){.fd = fd};
    bool has_memory =
        buffer_reserve(&c->in, CHANNEL_BATCH_BYTES) && buffer_reserve(&c->out, CHANNEL_BATCH_BYTES);
    return has_memory ? 0 : -ENOMEM;
}

int channel_receive_first(struct channel *c)
{
    int fds[DESCRIPTORS_MAX], count = 0;
    uint8_t *at = buffer_reserve(&c->in, CHANNEL_BATCH_BYTES); /* is there: channel_init */
    ssize_t n = descriptors_receive(c->fd, at, CHANNEL_BATCH_BYTES, fds, &count);
    if (n == 0)
        _exit(EXIT_SUCCESS);
    if (n < 0) {
        errno = (int)-n;
        give_up("read from the channel");
    }
    buffer_commit(&c->in, (size_t)n);
    return count == 1 ? fds[0] : -1;
}

/* Not by recv(2) alone: on a socket of this family it is woken as well whenever the other end reads what we
 * have sent, to no purpose, and takes the processor from whoever waits for that. poll(2) is woken by what
 * comes in. */
static void await_input(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    (void)poll(&input, 1, -1); /* what is wrong, recv says */
}

void channel_receive(struct channel *c, size_t wanted)
{
    size_t have = buffer_length(&c->in);
    size_t room = wanted > have && wanted - have > CHANNEL_BATCH_BYTES ? wanted - have : CHANNEL_BATCH_BYTES;
    uint8_t *at = buffer_reserve(&c->in, room);
    if (!at) {
        errno = ENOMEM;
        give_up("receive a message");
    }
    ssize_t n;
    do {
        await_input(c->fd);
        n = recv(c->fd, at, room, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        give_up("read from the channel");
    if (n == 0)
        _exit(EXIT_SUCCESS);
    buffer_commit(&c->in, (size_t)n);
}

void channel_flush(struct channel *c)
{
    while (buffer_length(&c->out)) {
        ssize_t n = send(c->fd, buffer_data(&c->out), buffer_length(&c->out), MSG_NOSIGNAL);
        if (n >= 0)
            buffer_consume(&c->out, (size_t)n);
        else if (errno != EINTR)
            give_up("write to the channel");
    }
    c->undo = 0;
}

/* sendmsg(2) is not among the worker's system calls; SIGPIPE is ignored. What goes wrong, channel_flush comes
 * upon again; but not bytes that are not there: to copy those is the function's crash, as it has to be. */
void channel_send_around(struct channel *c, size_t gap, struct slice bytes)
{
    uint8_t *data = buffer_data(&c->out);
    struct iovec parts[] = {
        {data, gap}, {(void *)bytes.data, bytes.len}, {data + gap, buffer_length(&c->out) - gap}};
    ssize_t sent = writev(c->fd, parts, sizeof parts / sizeof *parts);
    buffer_fill(&c->out, gap, bytes, sent < 0 ? 0 : (size_t)sent);
    if (buffer_failed(&c->out)) {
        errno = ENOMEM;
        give_up("send an output");
    }
    channel_flush(c);
}
