#include "dispatcher/worker_internal.h"

#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOG_REST_MAX = 1024 * 1024,   /* bytes read from the pipe of a dead worker */
    PARTIAL_KEPT_BYTES = 2048,    /* of memory for the beginning of a frame, while there is none */
    LONG_READ_BYTES = 512 * 1024, /* of a frame that has begun */
    BEHIND_BYTES = 1024           /* behind it */
};

static void on_channel(uv_poll_t *poll, int status, int events);

/* 1: data came; 0: nothing there now; -1: end of file or an error, which is the same here. */
static int receive(int fd, uint8_t *data, size_t room, size_t *ret_len)
{
    ssize_t got;
    do
        got = read(fd, data, room);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        *ret_len = (size_t)got;
        return 1;
    }
    return got < 0 && errno == EAGAIN ? 0 : -1;
}

static void take_from_buffer(struct worker *w)
{
    size_t len = buffer_length(&w->in);
    size_t used = buffer_failed(&w->in) ? 0 : frames_take(w, buffer_data(&w->in), len);
    buffer_consume(&w->in, used == SIZE_MAX ? len : used); /* broken: nothing that follows counts */
}

/* Takes frames where they were read; only an incomplete one is copied. */
static void take_from_shared(struct worker *w, size_t len)
{
    size_t used = frames_take(w, w->io->read_buffer, len);
    if (used < len)
        buffer_append(&w->in, w->io->read_buffer + used, len - used);
}

/* Of the frame that has begun; 0: that has not come. */
static size_t announced_bytes(struct buffer *in)
{
    struct wire_header header;
    if (buffer_length(in) < WIRE_HEADER_BYTES)
        return 0;
    memcpy(&header, buffer_data(in), sizeof header);
    return WIRE_HEADER_BYTES + header.length;
}

/* What is missing of the long frame that has begun, or is expected, and the result behind it: read together,
 * the output is sent on from where it lies. But no more than BUFFER_AHEAD times what has come, or as much as
 * the last one had: so what it announces alone takes no memory. */
static size_t room_for_long(struct worker *w)
{
    size_t len = buffer_length(&w->in), announced = announced_bytes(&w->in);
    size_t room = expected_missing(&w->expected, len) + BEHIND_BYTES;
    if (room < BUFFER_AHEAD * len)
        room = BUFFER_AHEAD * len;
    size_t missing = announced + BEHIND_BYTES - len;
    return announced && missing < room ? missing : room;
}

/* A short beginning is not worth memory for the rest: the rest is read with all that follows, and appended.
 */
static int read_into_shared(struct worker *w, size_t most, size_t *ret_len)
{
    size_t room = most < WORKER_READ_BYTES ? most : WORKER_READ_BYTES;
    int got = receive(w->channel, w->io->read_buffer, room, ret_len);
    if (got > 0 && buffer_length(&w->in) == 0) {
        take_from_shared(w, *ret_len);
    } else if (got > 0) {
        buffer_append(&w->in, w->io->read_buffer, *ret_len);
        take_from_buffer(w);
    }
    return got;
}

static int read_into_buffer(struct worker *w, size_t most, size_t *ret_len)
{
    size_t room = room_for_long(w);
    uint8_t *at = buffer_reserve(&w->in, room);
    if (!at)
        return 0;
    int got = receive(w->channel, at, most < room ? most : room, ret_len);
    if (got > 0) {
        buffer_commit(&w->in, *ret_len);
        expected_learn(&w->expected, announced_bytes(&w->in));
        take_from_buffer(w);
    }
    return got;
}

static int read_channel_up_to(struct worker *w, size_t most, size_t *ret_len)
{
    bool is_long = expected_in_place(&w->expected, buffer_length(&w->in));
    expected_read(&w->expected);
    int got = is_long ? read_into_buffer(w, most, ret_len) : read_into_shared(w, most, ret_len);
    if (buffer_failed(&w->in)) {
        worker_blame(w, WORKER_BROKEN, "no memory for what it sends");
        worker_on(w, WE_BROKEN);
    }
    /* While calls are on their way, the memory for the next long output stays. Either forgets a failure. */
    bool stays = w->load > 0 && expected_missing(&w->expected, 0) > 0;
    buffer_trim_to(&w->in, stays ? SIZE_MAX : PARTIAL_KEPT_BYTES);
    return got;
}

static int read_channel_once(struct worker *w)
{
    size_t len = 0;
    return read_channel_up_to(w, LONG_READ_BYTES, &len);
}

static void give_line(struct worker *w, struct slice line)
{
    if (line.data && line.len && line.data[line.len - 1] == '\r')
        line.len--;
    worker_say(w, LOG_INFO, line);
}

/* Whole lines go to the log; a line that grows too long goes in pieces. */
static void take_log(struct worker *w, const char *data, size_t len)
{
    struct buffer *line = &w->log_line;
    while (len) {
        const char *end = memchr(data, '\n', len);
        size_t part = end ? (size_t)(end - data) : len;
        size_t room = WIRE_LOG_TEXT_MAX - buffer_length(line);
        size_t take = part < room ? part : room;
        buffer_append(line, data, take);
        bool whole = end && take == part;
        data += take + whole;
        len -= take + whole;
        if (!whole && buffer_length(line) < WIRE_LOG_TEXT_MAX && !buffer_failed(line))
            continue;
        if (!buffer_failed(line))
            give_line(w, slice_make(buffer_data(line), buffer_length(line)));
        buffer_clear(line);
    }
    buffer_trim(line);
}

static int read_log_once(struct worker *w, size_t *ret_len)
{
    int got = receive(w->log, w->io->read_buffer, WORKER_READ_BYTES, ret_len);
    if (got > 0)
        take_log(w, (const char *)w->io->read_buffer, *ret_len);
    return got;
}

static void on_log(uv_poll_t *poll, int status, int events)
{
    struct worker *w = poll->data;
    size_t len = 0;
    (void)events;
    if (status < 0 || read_log_once(w, &len) < 0)
        uv_poll_stop(&w->log_poll); /* it closed its output; the fd goes with the worker */
}

/* The setup, and the .so with its first byte. A socket that is new takes some of it; what it does not take
 * goes as everything else. */
static void send_first(struct worker *w)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } rights = {
        .header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec bytes = {buffer_data(&w->out), buffer_length(&w->out)};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    memcpy(CMSG_DATA(&rights.header), &w->revision->handler_fd, sizeof(int));
    ssize_t sent = sendmsg(w->channel, &message, MSG_NOSIGNAL);
    if (sent > 0)
        buffer_consume(&w->out, (size_t)sent);
    else
        shutdown(w->channel, SHUT_RDWR); /* so that it ends, if it is not gone already */
    w->is_told = true;
}

void channel_flush(struct worker *w)
{
    if (!w->is_told)
        send_first(w);
    while (buffer_length(&w->out) && !w->blocked) {
        ssize_t sent = send(w->channel, buffer_data(&w->out), buffer_length(&w->out), MSG_NOSIGNAL);
        if (sent >= 0) {
            buffer_consume(&w->out, (size_t)sent);
        } else if (errno == EAGAIN) {
            w->blocked = true;
            uv_poll_start(&w->channel_poll, UV_READABLE | UV_WRITABLE, on_channel);
        } else if (errno != EINTR) {
            buffer_clear(&w->out); /* it is gone; the read side will say so */
        }
    }
}

/* `out` holds the frames around the payload. An error is for channel_flush, which comes upon it again. */
static void send_around(struct worker *w, size_t gap, struct slice payload)
{
    uint8_t *data = buffer_data(&w->out);
    struct iovec parts[] = {
        {data, gap}, {(void *)payload.data, payload.len}, {data + gap, buffer_length(&w->out) - gap}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = sizeof parts / sizeof *parts};
    ssize_t sent = sendmsg(w->channel, &message, MSG_NOSIGNAL);
    buffer_fill(&w->out, gap, payload, sent < 0 ? 0 : (size_t)sent);
}

void channel_put_call(struct worker *w, uint64_t id, const struct wire_invoke *invoke)
{
    struct slice payload = invoke->message.payload;
    if (payload.len < WORKER_BATCH_BYTES || !w->is_told || w->blocked) {
        wire_put_invoke(&w->out, id, invoke);
        return;
    }
    size_t gap = wire_put_invoke_around(&w->out, id, invoke);
    if (!buffer_failed(&w->out))
        send_around(w, gap, payload);
}

static void on_channel(uv_poll_t *poll, int status, int events)
{
    struct worker *w = poll->data;
    if (events & UV_WRITABLE) {
        w->blocked = false;
        uv_poll_start(&w->channel_poll, UV_READABLE, on_channel);
        channel_flush(w);
    }
    if (status >= 0 && !(events & UV_READABLE))
        return;
    if (read_channel_once(w) < 0) {
        uv_poll_stop(&w->channel_poll);
        worker_ask_recorder(w);
        worker_on(w, WE_CLOSED);
    } else if (status < 0) {
        uv_poll_start(poll, UV_READABLE, on_channel); /* an error stops it; what came before is read first */
    }
}

static int start_poll(struct worker *w, uv_poll_t *poll, int fd, uv_poll_cb callback)
{
    int error = uv_poll_init(w->io->loop, poll, fd);
    if (error)
        return error;
    poll->data = w;
    w->polls++;
    w->handles++;
    return uv_poll_start(poll, UV_READABLE, callback);
}

int channel_start(struct worker *w)
{
    int error = start_poll(w, &w->channel_poll, w->channel, on_channel);
    if (!error)
        error = start_poll(w, &w->log_poll, w->log, on_log);
    if (error)
        shutdown(w->channel, SHUT_RDWR); /* nobody would wait for room in it */
    return error;
}

/* A turn that reads much would keep the worker waiting, and then have it work while nothing else does. */
void channel_queued(struct worker *w)
{
    if (buffer_length(&w->out) >= WORKER_BATCH_BYTES)
        channel_flush(w);
    if (w->dirty)
        return;
    w->dirty = true;
    TAILQ_INSERT_TAIL(&w->io->dirty, w, dirty_link);
}

void channel_read_pending(struct worker *w)
{
    for (int turn = 0; turn < 64 && read_channel_once(w) > 0; turn++) {
    }
}

void channel_read_rest(struct worker *w)
{
    size_t total = 0, len = 0;
    int pending = 0;
    /* No more than lies there now: a child of the worker may hold the channel open and go on talking. */
    if (ioctl(w->channel, FIONREAD, &pending) < 0)
        pending = 0;
    while (pending > 0 && read_channel_up_to(w, (size_t)pending, &len) > 0)
        pending -= (int)len;
    while (total < LOG_REST_MAX && read_log_once(w, &len) > 0)
        total += len;
    if (buffer_length(&w->log_line))
        take_log(w, "\n", 1);
}

void channel_close(struct worker *w, uv_close_cb on_closed)
{
    if (w->dirty)
        TAILQ_REMOVE(&w->io->dirty, w, dirty_link);
    if (w->polls > 0)
        uv_close((uv_handle_t *)&w->channel_poll, on_closed);
    if (w->polls > 1)
        uv_close((uv_handle_t *)&w->log_poll, on_closed);
    close(w->channel);
    close(w->log);
    buffer_finish(&w->in);
    buffer_finish(&w->out);
    buffer_finish(&w->log_line);
}

static void flush_all(struct worker_io *io)
{
    struct worker *w;
    if (io->prepared)
        io->prepared(io->prepared_user);
    while ((w = TAILQ_FIRST(&io->dirty))) {
        TAILQ_REMOVE(&io->dirty, w, dirty_link);
        w->dirty = false;
        worker_place(w);
        channel_flush(w);
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct worker_io *io = prepare->data;
    flush_all(io);
    if (io->resting && uv_backend_timeout(io->loop) != 0)
        io->resting(io->prepared_user);
}

static void on_check(uv_check_t *check)
{
    flush_all(check->data);
}

struct worker_io *worker_io_create(uv_loop_t *loop, struct zygote *z)
{
    struct worker_io *io = calloc(1, sizeof *io);
    if (!io)
        return NULL;
    io->zygote = z;
    io->loop = loop;
    io->handles = 3;
    io->places = worker_places();
    TAILQ_INIT(&io->dirty);
    TAILQ_INIT(&io->all);
    spares_init(io);
    uv_prepare_init(loop, &io->prepare);
    uv_check_init(loop, &io->check);
    io->prepare.data = io->check.data = io;
    uv_prepare_start(&io->prepare, on_prepare);
    uv_check_start(&io->check, on_check);
    uv_unref((uv_handle_t *)&io->prepare);
    uv_unref((uv_handle_t *)&io->check);
    return io;
}

void worker_io_prepare(struct worker_io *io, void (*prepare)(void *user), void (*rest)(void *user),
                       void *user)
{
    io->prepared = prepare;
    io->resting = rest;
    io->prepared_user = user;
}

void worker_io_keep_spares(struct worker_io *io)
{
    io->spares.kept = true;
}

void worker_io_use_cgroups(struct worker_io *io, struct cgroups *cgroups)
{
    io->cgroups = cgroups;
}

static void on_io_handle_closed(uv_handle_t *handle)
{
    struct worker_io *io = handle->data;
    if (--io->handles > 0)
        return;
    io->closed(io->closed_user);
    free(io);
}

void worker_io_check_end(struct worker_io *io)
{
    if (!io->closed || !TAILQ_EMPTY(&io->all) || !spares_are_gone(io))
        return;
    if (io->granting)
        zygote_close(io->granting);
    if (io->networked)
        zygote_close(io->networked);
    uv_close((uv_handle_t *)&io->prepare, on_io_handle_closed);
    uv_close((uv_handle_t *)&io->check, on_io_handle_closed);
    uv_close((uv_handle_t *)&io->spares.timer, on_io_handle_closed);
}

bool worker_io_end_zygotes(struct worker_io *io)
{
    if (TAILQ_EMPTY(&io->all) && spares_are_gone(io))
        return false;
    zygote_end(io->zygote);
    if (io->granting)
        zygote_end(io->granting);
    if (io->networked)
        zygote_end(io->networked);
    return true;
}

void worker_io_forget(struct worker_io *io, struct worker *w)
{
    TAILQ_REMOVE(&io->all, w, link);
    worker_io_check_end(io);
}

void worker_io_close(struct worker_io *io, void (*closed)(void *user), void *user)
{
    struct worker *w;
    io->closed = closed;
    io->closed_user = user;
    TAILQ_FOREACH (w, &io->all, link) {
        if (w->state != WS_GONE)
            worker_kill(w);
    }
    spares_close(io);
    worker_io_check_end(io);
}
