/* worker.h: one worker process, from the fork order to its last word.
 *
 * On the loop thread. It runs one revision of one function, one call at a time, with up to a window of calls
 * on their way. The process is hostile: every frame is bounded and checked; a frame that breaks a rule kills
 * the worker, and nothing it said in that frame counts. Results come in the order of the calls; a worker that
 * answers out of turn is broken. */
#ifndef HARK_DISPATCHER_WORKER_H
#define HARK_DISPATCHER_WORKER_H

#include "dispatcher/cgroup.h"
#include "dispatcher/revision.h"
#include "dispatcher/zygote.h"
#include "shared/wire.h"

/* What the workers of one loop share: the read buffer, and the handles that flush at the end of a turn. */
struct worker_io;
struct worker_io *worker_io_create(uv_loop_t *loop, struct zygote *z); /* NULL: out of memory */
/* Workers are born in cgroups from now on, where there are any. */
void worker_io_use_cgroups(struct worker_io *io, struct cgroups *cgroups);

/* Who brings workers to life in the place of the zygote, without a seal: for a person who looks for a fault.
 * There are no cgroups then, and the worker_io may have been created without a zygote. */
struct worker_births {
    /* As zygote_fork: takes the fds in any case; 0, or a negative errno, and `exited` is never called. */
    int (*bear)(void *user, struct zygote_child *child, const int fds[ZYGOTE_FDS_MAX],
                const struct revision *revision);
    void (*kill)(void *user, struct zygote_child *child);
};
void worker_io_use_births(struct worker_io *io, const struct worker_births *births, void *user);

/* `prepare` is called before what a turn has queued leaves: the place for work that is better done once a
 * turn. `rest` is called when it has left, and the loop is about to wait.
 */
void worker_io_prepare(struct worker_io *io, void (*prepare)(void *user), void (*rest)(void *user),
                       void *user);

/* From now on a few sealed workers wait for the functions to come, spares.h. */
void worker_io_keep_spares(struct worker_io *io);

/* SIGKILL for all workers that are left, by way of their zygotes' deaths: those are to be gone already, so a
 * zygote may be stopped that had to kill them. False: none is left. */
bool worker_io_end_zygotes(struct worker_io *io);

/* Asynchronous: kills the workers that are left, waits until they are gone, then calls closed(user), which
 * may close the zygote. No worker is started after it. */
void worker_io_close(struct worker_io *io, void (*closed)(void *user), void *user);

/* A call on its way; embedded by its owner. */
struct call {
    TAILQ_ENTRY(call) link;
    uint64_t id; /* set by worker_invoke, as all that follows */
    uint64_t sent_ns;
    uint64_t chain;
    bool may_skip; /* a call of its chain before it has failed */
};
TAILQ_HEAD(call_list, call);

enum worker_cause {
    WORKER_STOPPED, /* as asked */
    WORKER_FAILED,  /* it said why it cannot serve: a .so that does not load, start() failed */
    WORKER_CRASHED, /* a signal, or an exit that nobody asked for */
    WORKER_LATE,    /* killed: over its time */
    WORKER_BROKEN,  /* killed: it broke the protocol */
    WORKER_NO_FORK, /* there is no process: out of pids or memory */
    WORKER_LOST     /* the zygote died */
};

/* How a worker ended. */
struct worker_end {
    enum worker_cause cause;
    bool was_ready;        /* READY had come */
    char text[480];        /* for people: "killed by SIGSEGV (segmentation fault)" */
    struct call *guilty;   /* the call it was executing, or NULL; it is among `left` */
    struct call_list left; /* calls without a result, in order */
};

struct worker;

struct worker_events {
    /* worker_pid is known: that comes by a way of its own, also after `ready` or a result. NULL: no matter.
     */
    void (*born)(void *user, struct worker *w);
    void (*ready)(void *user, struct worker *w);
    /* An output of `call`: an encoded body of WIRE_PUBLISH (checked) or WIRE_REPLY. 0, or a negative errno:
     * not allowed; then the worker is killed as WORKER_BROKEN with the text in *diag. */
    int (*output)(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                  struct slice body, struct diag *diag);
    /* What `output` was given for `call` is about to go, where it lies; the call's result has not come. 0, or
     * a negative errno as above. NULL: nobody points there. */
    int (*keep)(void *user, struct worker *w, struct call *call, struct diag *diag);
    /* `call` is over, and no longer on the worker. */
    void (*result)(void *user, struct worker *w, struct call *call, enum wire_result result);
    /* A line of hark_log, or of stdout/stderr (level LOG_INFO). Bounded, one line, may hold any bytes but \n.
     */
    void (*log)(void *user, struct worker *w, int level, struct slice text);
    /* It is gone. *end is dead after the return, and so is the worker. Not called from inside a call of this
     * header. */
    void (*ended)(void *user, struct worker *w, struct worker_end *end);
};

/* Starts a process for the revision, which stays in use until `ended`. It has timeout_ns to be READY, else it
 * ends as WORKER_LATE. NULL: out of memory or fds, *diag says so. */
struct worker *worker_start(struct worker_io *io, const struct revision *revision,
                            const struct worker_events *events, void *user, struct diag *diag);

/* Sends a call; allowed while worker_can_take or worker_can_take_ahead. captures etc. are encoded before the
 * return. now_ns: the clock, which may have been read a little earlier, for several calls. */
void worker_invoke(struct worker *w, struct call *call, const struct wire_invoke *invoke, uint64_t now_ns);
bool worker_can_take(const struct worker *w); /* READY, not stopping, window not full */
/* Not READY yet, and without a call: it can have one with its setup, and runs it without a word between them.
 * It has timeout_ns for each. If it does not get ready, the call is `left`, and not guilty. */
bool worker_can_take_ahead(const struct worker *w);
uint32_t worker_load(const struct worker *w); /* calls on their way */
bool worker_is_stopping(const struct worker *w);
uint32_t worker_id(const struct worker *w);
int worker_pid(const struct worker *w); /* 0 until events->born */
uint64_t worker_idle_since_ns(const struct worker *w);
uint64_t worker_answered_ns(const struct worker *w); /* in events->result: when that was read */
const struct revision *worker_revision(const struct worker *w);
void worker_set_user(struct worker *w, const struct worker_events *events, void *user);

/* Lets the calls on their way finish, runs stop(), ends. It has timeout_ns for stop(). */
void worker_stop(struct worker *w);
/* SIGKILL now; ends as WORKER_STOPPED, the calls on their way are in `left`. */
void worker_kill(struct worker *w);

#endif
