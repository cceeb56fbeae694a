/* worker_internal.h: what worker.c (life) and worker_channel.c (bytes) share. Dispatcher, loop thread. */
#ifndef HARK_DISPATCHER_WORKER_INTERNAL_H
#define HARK_DISPATCHER_WORKER_INTERNAL_H

#include "dispatcher/call_window.h"
#include "dispatcher/kit.h"
#include "dispatcher/placement.h"
#include "dispatcher/spares.h"
#include "dispatcher/worker.h"
#include "dispatcher/worker_fsm.h"
#include "shared/buffer.h"
#include "shared/expected.h"

enum {
    WORKER_READ_BYTES = 64 * 1024,
    WORKER_OUT_BYTES_MAX = 256 * 1024, /* calls wait outside while so much is unsent */
    WORKER_BATCH_BYTES = 16 * 1024     /* so much leaves before the turn is over */
};

TAILQ_HEAD(worker_list, worker);

struct worker_io {
    struct zygote *zygote;
    struct zygote *granting;  /* for functions with grants, but for TCP; NULL: none was needed yet */
    struct zygote *networked; /* for functions with TCP; likewise */
    struct cgroups *cgroups;  /* NULL: none */
    const struct worker_births *births; /* NULL: the zygote bears */
    void *births_user;
    uv_loop_t *loop;
    uv_prepare_t prepare; /* flushes what timers queued */
    uv_check_t check;     /* flushes what input queued */
    int handles;
    void (*prepared)(void *user); /* NULL: nothing to do before `dirty` is sent */
    void (*resting)(void *user);  /* NULL: nothing to do once it is sent */
    void *prepared_user;          /* of both */
    bool places;                  /* workers follow the dispatcher from core to core */
    struct worker_list dirty;     /* workers with something to send */
    struct worker_list all;       /* that have a function */
    struct spares spares;
    struct kits kits;           /* of workers to come */
    void (*closed)(void *user); /* NULL: not closing */
    void *closed_user;
    uint8_t read_buffer[WORKER_READ_BYTES];
};

struct worker {
    struct worker_io *io;
    const struct revision *revision; /* NULL: a spare, which has no handle yet and no events */
    const struct worker_events *events;
    void *user;
    struct zygote *zygote; /* whose child it is */
    struct zygote_child child;
    int pid;
    enum worker_state state;
    bool was_ready;
    bool owes_ready; /* READY: its recorder told before that it is */
    bool is_told;    /* its setup was sent, and the .so with it */

    int channel, log; /* -1: closed */
    uv_poll_t channel_poll, log_poll;
    uv_timer_t timer;
    int handles; /* not closed yet */
    int polls;   /* 2, of the channel and the log; fewer: the machine had none left, and the worker ends */
    const struct wire_recorder *recorder;
    struct buffer in, out, log_line;
    struct expected expected; /* frame of an output */
    TAILQ_ENTRY(worker) link, dirty_link;
    bool dirty, blocked; /* blocked: the socket is full, the poll waits for room */

    struct call_list calls; /* oldest first */
    uint32_t load;
    bool lent;                 /* outputs of the oldest call point to where frames are read */
    uint64_t last_call;        /* id */
    uint64_t completed;        /* calls */
    uint64_t head_since_ns;    /* since when the oldest call may be running */
    struct call_window window; /* how many calls may be on their way */
    struct placement placement;
    uint64_t timer_at_ns;              /* CLOCK_NEVER: not armed */
    uint64_t seen_call, seen_start_ns; /* the recorder's word on the running call, as first seen */
    uint64_t idle_since_ns;

    enum worker_cause cause;
    bool has_cause;
    char text[480];
};

/* What a process is made of. */
struct worker_terms {
    struct zygote *zygote;
    const struct birthplace *place;
    const struct grants *grants;
    const struct revision *revision; /* NULL: it shall wait until it is told */
};

/* worker.c: 0 or a negative errno. */
__attribute__((warn_unused_result)) int worker_order(struct worker_io *io, const struct worker_terms *terms,
                                                     struct worker **ret_worker);
/* One without a function, that has exited or never was one. */
void worker_destroy(struct worker *w);

/* One step of the machine. */
void worker_on(struct worker *w, enum worker_event event);
/* A worker that has a call says READY with the result: that it was ready is known before by the recorder, in
 * which the call runs. As much its own word as READY is. */
void worker_ask_recorder(struct worker *w);
/* Notes why it ends, in words; the first cause stays. */
__attribute__((format(printf, 3, 4))) void worker_blame(struct worker *w, enum worker_cause cause,
                                                        const char *format, ...);

/* Looks at the clock then, or when a report of dropped log lines is due before. */
void worker_arm(struct worker *w, uint64_t at_ns);

/* worker_place.c: is there more than one core to choose from? */
bool worker_places(void);
/* Calls are about to leave for it. */
void worker_place(struct worker *w);
/* Lets it go where the kernel likes if its call lasts. When to look again; CLOCK_NEVER: no need. */
uint64_t worker_look_at_place(struct worker *w, uint64_t now_ns);

/* worker_births.c: as zygote_fork and zygote_kill. */
__attribute__((warn_unused_result)) int worker_bear(struct worker *w, const struct worker_terms *terms,
                                                    const int fds[ZYGOTE_FDS_MAX]);
void worker_kill_process(struct worker *w);

/* worker_setup.c: what it has to know before its first call, into its output. */
void worker_put_setup(struct worker *w);

/* worker_log.c: a line for the log, if the function may still say it. */
void worker_say(struct worker *w, int level, struct slice text);
/* Says how many lines were dropped, if that is due by now_ns. */
void worker_report_dropped(struct worker *w, uint64_t now_ns);

/* worker_channel.c */
/* Polls both fds. On failure, -ENOMEM or -ENOSPC (epoll_ctl(2)), it is closed for both ends: kill the worker.
 */
__attribute__((warn_unused_result)) int channel_start(struct worker *w);
void channel_queued(struct worker *w); /* what is in `out` leaves at the end of the turn at the latest */
void channel_flush(struct worker *w);  /* now */
/* Into `out`; a long payload leaves at once from where it lies, as far as the socket takes it: a copy saved.
 */
void channel_put_call(struct worker *w, uint64_t id, const struct wire_invoke *invoke);
void worker_io_forget(struct worker_io *io, struct worker *w); /* it is gone, its handles are closed */
void worker_io_check_end(struct worker_io *io);                /* a spare is gone */
void channel_read_pending(struct worker *w);                   /* what has arrived by now */
void channel_read_rest(struct worker *w); /* the process is gone: what it left in socket and pipe */
void channel_close(struct worker *w, uv_close_cb on_closed);

/* worker_frames.c: every whole frame in data[len]; returns the bytes used, or SIZE_MAX when a frame broke a
 * rule (it is blamed already). */
size_t frames_take(struct worker *w, const uint8_t *data, size_t len);

#endif
