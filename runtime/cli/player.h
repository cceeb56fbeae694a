/* player.h: plays messages to one function, one after the other, in a real worker of its own and without a
 * broker: what the commands that try a function stand on.
 *
 * On the loop thread. The worker stays warm from one message to the next, as `hark run` keeps it; after a
 * crash or a timeout the next message gets a new one. Nothing is retried: a play is one attempt. */
#ifndef HARK_CLI_PLAYER_H
#define HARK_CLI_PLAYER_H

#include "dispatcher/outbox.h"
#include "dispatcher/worker.h"
#include "mqtt/mqtt.h"
#include "shared/topic.h"

enum play_outcome {
    PLAY_OK,
    PLAY_RETRY,
    PLAY_REJECT,
    PLAY_CRASH,
    PLAY_TIMEOUT,
    PLAY_NOT_READY, /* the function does not load, or start() failed */
    PLAY_NO_WORKER  /* this machine cannot run one: no process, no zygote */
};

const char *play_outcome_name(enum play_outcome outcome); /* `ok`, `not ready`, … */

/* One message and what became of it. In the caller's storage; stays in use until `over`. */
struct play {
    /* Given; borrowed. A tick of a timer has no topic and its name in the property hark-trigger. */
    const struct mqtt_message *message;
    const struct topic_captures *captures; /* of the trigger that it fires */
    uint32_t attempt;                      /* 1 on the first try */
    /* Told. */
    enum play_outcome outcome;
    struct outbox outbox; /* what it put out, which only PLAY_OK would release; play_finish frees it */
    uint64_t took_ns;     /* from the order to the result; the first of a worker: its start included */
    uint64_t ran_ns;      /* of it, since the message was sent to a worker that was ready */
    uint64_t peak_bytes;  /* the most memory that the worker has had so far; 0: not known */
    bool said_nothing;    /* PLAY_NOT_READY: its process ended, and it had not said why */
    char text[480];       /* why there was no result, for people; empty when there was one */
};

void play_finish(struct play *play);

struct player_events {
    void (*over)(void *user, struct play *play);
    /* A line of the function's; play: NULL between two. */
    void (*log)(void *user, struct play *play, const struct worker *w, int level, struct slice text);
    /* The worker is gone without having been asked to, and no message is to blame: in words. */
    void (*lost)(void *user, const char *text);
};

struct player {
    struct worker_io *io;
    const struct revision *revision;
    const struct player_events *events;
    void *user;
    struct worker *worker; /* NULL: none is left */
    struct play *now;      /* NULL: nothing is played */
    struct call call;
    uint64_t began_ns, sent_ns;
    uint32_t starts; /* workers that `now` has had */
    bool sent;       /* `now` is on its way to the worker */
    bool has_result; /* `now` has, and is over once the worker can be weighed */
    enum play_outcome result;
};

/* io, revision and events are borrowed until player_is_down after player_stop. */
void player_init(struct player *p, struct worker_io *io, const struct revision *revision,
                 const struct player_events *events, void *user);

/* Starts a play; `over` follows, never from inside, and may start the next. One at a time. -ENOMEM with words
 * in *diag: no worker could be started, and `over` does not come. */
__attribute__((warn_unused_result)) int player_play(struct player *p, struct play *play, struct diag *diag);

/* Lets the function's stop() run and the worker end; not while something is played. */
void player_stop(struct player *p);
bool player_is_down(const struct player *p); /* no worker is left */

#endif
