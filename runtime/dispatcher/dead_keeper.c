#include "dispatcher/dead_keeper.h"

#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum { BATCH_MAX = 64, BATCH_BYTES = 16 << 20 };

#define SAY_EVERY_NS  NS_PER_S
#define LOOK_EVERY_NS NS_PER_S

struct keep_job {
    TAILQ_ENTRY(keep_job) link;
    struct dead_ticket *ticket; /* NULL: forgotten */
    char function[DEAD_FUNCTION_MAX + 1];
    int64_t time_ms;
    struct buffer file;
    int fd; /* between the two steps on the thread; or a negative errno */
    int error;
};
TAILQ_HEAD(keep_jobs, keep_job);

struct dead_keeper {
    uv_loop_t *loop;
    int folder;
    char *path;
    struct keep_jobs waiting, written; /* `written`: the thread's while `busy` */
    uv_work_t work;
    bool busy;
    uint64_t failed, failed_said, said_ns;
    uint64_t
        failed_before; /* ... it began to fail, as was said last; `failing` until it is said to be over */
    bool failing;
    void (*on_closed)(void *user); /* NULL: not closing */
    void *on_closed_user;
    /* of the thread alone */
    struct dead_keeper_limits limits, used;
    uint64_t looked_ns; /* 0: never */
};

/* ---- on a thread ---- */

/* `hark dead` takes away without a word, so what is counted here is at most what is there. */
static bool has_room(struct dead_keeper *k, size_t bytes)
{
    bool full = k->used.count + 1 > k->limits.count || k->used.bytes + bytes > k->limits.bytes;
    if (k->looked_ns && (!full || clock_now_ns() < k->looked_ns + LOOK_EVERY_NS))
        return !full;
    k->looked_ns = clock_now_ns();
    if (dead_store_usage(k->folder, &k->used.count, &k->used.bytes))
        return false;
    return k->used.count + 1 <= k->limits.count && k->used.bytes + bytes <= k->limits.bytes;
}

static void begin(struct dead_keeper *k, struct keep_job *job, unsigned slot)
{
    struct slice file = slice_make(buffer_data(&job->file), buffer_length(&job->file));
    job->fd = has_room(k, file.len) ? dead_store_begin(k->folder, slot, file) : -EDQUOT;
    if (job->fd < 0)
        return;
    k->used.count++;
    k->used.bytes += file.len;
}

static void finish(struct dead_keeper *k, struct keep_job *job, unsigned slot, int flushed)
{
    char id[DEAD_ID_LEN + 1];
    if (job->fd < 0) {
        job->error = job->fd;
        return;
    }
    job->error = dead_store_finish(k->folder, slot, job->fd, job->function, job->time_ms, id);
    job->error = job->error ? job->error : flushed;
}

static void on_thread(uv_work_t *work)
{
    struct dead_keeper *k = work->data;
    struct keep_job *job;
    int fds[BATCH_MAX];
    unsigned slot = 0, begun = 0;
    TAILQ_FOREACH (job, &k->written, link) {
        begin(k, job, slot++);
        if (job->fd >= 0)
            fds[begun++] = job->fd;
    }
    int flushed = dead_store_flush(k->folder, fds, begun);
    slot = 0;
    TAILQ_FOREACH (job, &k->written, link)
        finish(k, job, slot++, flushed);
    int error = dead_store_sync(k->folder);
    TAILQ_FOREACH (job, &k->written, link)
        job->error = job->error ? job->error : error;
}

/* ---- on the loop ---- */

static void say_failed(struct dead_keeper *k, int error)
{
    uint64_t now_ns = clock_now_ns();
    bool said_lately = k->said_ns && now_ns < k->said_ns + SAY_EVERY_NS;
    if (k->failed == k->failed_said || (said_lately && !k->on_closed))
        return;
    log_error("%llu dead letters are not kept in %s: %s; the broker has them, who listens there gets them",
              (unsigned long long)(k->failed - k->failed_said), k->path,
              error == -EDQUOT
                  ? "dead_letters of hark.yaml allows no more (hark dead purge, hark dead redrive)"
                  : strerror(-error));
    if (!k->failing)
        k->failed_before = k->failed_said;
    k->failing = true;
    k->failed_said = k->failed;
    k->said_ns = now_ns;
}

/* No more often than say_failed: it takes one of its lines to come here. */
static void say_over(struct dead_keeper *k)
{
    if (!k->failing)
        return;
    log_info("dead letters are kept in %s again; meanwhile %llu were not", k->path,
             (unsigned long long)(k->failed - k->failed_before));
    k->failing = false;
    k->failed_said = k->failed;
}

static void finish_job(struct dead_keeper *k, struct keep_job *job)
{
    struct dead_ticket *ticket = job->ticket;
    int error = job->error;
    buffer_finish(&job->file);
    free(job);
    k->failed += error != 0;
    if (ticket) {
        ticket->job = NULL;
        ticket->kept(ticket, error);
    }
    if (error)
        say_failed(k, error);
    else
        say_over(k);
}

static void destroy(struct dead_keeper *k)
{
    void (*on_closed)(void *) = k->on_closed;
    void *user = k->on_closed_user;
    close(k->folder);
    free(k->path);
    free(k);
    on_closed(user);
}

static void start_batch(struct dead_keeper *k);

static void on_written(uv_work_t *work, int status)
{
    struct dead_keeper *k = work->data;
    struct keep_jobs done = TAILQ_HEAD_INITIALIZER(done);
    struct keep_job *job;
    (void)status; /* never cancelled */
    TAILQ_CONCAT(&done, &k->written, link);
    k->busy = false;
    start_batch(k);
    while ((job = TAILQ_FIRST(&done))) {
        TAILQ_REMOVE(&done, job, link);
        finish_job(k, job);
    }
    if (k->on_closed && !k->busy)
        destroy(k);
}

static void start_batch(struct dead_keeper *k)
{
    struct keep_job *job;
    size_t bytes = 0;
    if (k->busy || TAILQ_EMPTY(&k->waiting))
        return;
    for (int i = 0; i < BATCH_MAX && bytes < BATCH_BYTES && (job = TAILQ_FIRST(&k->waiting)); i++) {
        TAILQ_REMOVE(&k->waiting, job, link);
        TAILQ_INSERT_TAIL(&k->written, job, link);
        bytes += buffer_length(&job->file);
    }
    k->busy = true;
    k->work.data = k;
    uv_queue_work(k->loop, &k->work, on_thread, on_written); /* fails only without a callback */
}

int dead_keeper_keep(struct dead_keeper *k, struct dead_ticket *ticket, const struct dead_letter *letter)
{
    struct keep_job *job = calloc(1, sizeof *job);
    if (!job)
        return -ENOMEM;
    if (dead_letter_encode(letter, &job->file)) {
        buffer_finish(&job->file);
        free(job);
        return -ENOMEM;
    }
    strncpy(job->function, letter->function, DEAD_FUNCTION_MAX);
    job->time_ms = letter->time_ms;
    job->ticket = ticket;
    ticket->job = job;
    TAILQ_INSERT_TAIL(&k->waiting, job, link);
    start_batch(k);
    return 0;
}

void dead_keeper_forget(struct dead_ticket *ticket)
{
    if (ticket->job)
        ticket->job->ticket = NULL;
    ticket->job = NULL;
}

struct dead_keeper *dead_keeper_create(uv_loop_t *loop, int folder, const char *path,
                                       const struct dead_keeper_limits *limits)
{
    struct dead_keeper *k = calloc(1, sizeof *k);
    if (!k || !(k->path = strdup(path))) {
        free(k);
        return NULL;
    }
    k->loop = loop;
    k->folder = folder;
    k->limits = *limits;
    TAILQ_INIT(&k->waiting);
    TAILQ_INIT(&k->written);
    return k;
}

void dead_keeper_close(struct dead_keeper *k, void (*on_closed)(void *user), void *user)
{
    if (!k) {
        on_closed(user);
        return;
    }
    k->on_closed = on_closed;
    k->on_closed_user = user;
    if (!k->busy)
        destroy(k);
}
