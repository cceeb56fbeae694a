/* function.h: a deployed function: its MQTT session, its queue, its workers, and the revision that is active.
 *
 * On the loop thread. Its own session, queue and pool keep it from slowing any other. The life of a message:
 *
 *     arrive -> wait in the queue -> run in a worker -> outputs to the broker -> acknowledged by the broker
 * -> message acknowledged ^ retry later ------'  `-- reject, attempts used up --> dead letter --^
 */
#ifndef HARK_DISPATCHER_FUNCTION_H
#define HARK_DISPATCHER_FUNCTION_H

#include "dispatcher/broker.h"
#include "dispatcher/dead_keeper.h"
#include "dispatcher/gather.h"
#include "dispatcher/observer.h"
#include "dispatcher/revision.h"
#include "dispatcher/state.h"
#include "dispatcher/worker.h"
#include "mqtt/client.h"

#include <stdarg.h>

/* What all functions of a node share. Owned by the runtime. */
struct function;
TAILQ_HEAD(function_list, function);

struct node {
    uv_loop_t *loop;
    struct worker_io *worker_io;
    struct mqtt_io *mqtt_io;
    struct function_list hungry; /* with messages to be sent to workers before the loop waits */
    struct gather gather;        /* pauses between turns, in a flood */
    struct slabs *slabs;         /* for what comes with each message; NULL: malloc does */
    struct state *state;
    struct dead_keeper *dead_keeper; /* NULL: dead letters are not kept here */
    const char *name;
    struct broker **brokers; /* the first is what manifests call `default` */
    size_t broker_count;
    bool one_for_all;                              /* the first is whatever broker a manifest names */
    const struct presence_events *presence_events; /* NULL: this node does without */
    void *presence_user;
    uint64_t process;                /* a random name of this process */
    const struct observer *observer; /* never NULL */
    void *observer_user;
    uint64_t random; /* xorshift64* state, not 0 */
};

uint64_t node_random(struct node *node);
void node_pump(struct node *node); /* all of `hungry` */
/* The broker that the manifest names; NULL and *diag: the node has none of that name. */
struct broker *node_broker(const struct node *node, const struct manifest *m, struct diag *diag);

struct function_events {
    /* For the first time, or after a new revision: every subscription has been answered by the broker. */
    void (*settled)(void *user, struct function *f);
    /* In words, the circle of functions that this one is in, or NULL: none that the manifests show. The
     * caller frees. */
    char *(*name_loop)(void *user, const struct function *f);
    /* After function_leave or function_drain: it is gone, nothing is left at work; freed when this returns.
     */
    void (*gone)(void *user, struct function *f);
};

/* Takes over a reference to the revision, and the ready worker that probed it (NULL: none). Connects to the
 * broker. NULL: out of memory; then both stay the caller's. */
struct function *function_create(struct node *node, struct broker *broker, struct revision *revision,
                                 struct worker *probe, const struct function_events *events, void *user);

/* Makes another revision of the same function the active one; takes over the reference and the probe. What
 * runs finishes on the old one, what waits goes to the new one. -ENOMEM: the old one stays active, and both
 * stay the caller's. */
__attribute__((warn_unused_result)) int function_swap(struct function *f, struct revision *revision,
                                                      struct worker *probe);

/* Undeploy: unsubscribes, finishes what it has (for at most grace_ns), ends the session at the broker. */
void function_leave(struct function *f, uint64_t grace_ns);
/* It has another broker now: the same, but it also waits for what the broker had queued, however long that
 * takes. A drain on the way keeps the session. */
void function_leave_broker(struct function *f);
/* Shutdown: starts nothing new, finishes what runs (for at most grace_ns), keeps the session. Calling it
 * again, with 0, ends at once. */
void function_drain(struct function *f, uint64_t grace_ns);

const char *function_name(const struct function *f);
struct broker *function_broker(const struct function *f);
const struct revision *function_revision(const struct function *f);
bool function_is_settled(const struct function *f);
bool function_is_refused(const struct function *f); /* the broker refused a subscription */
bool function_is_ending(const struct function *f);
bool function_leaves_broker(const struct function *f); /* after function_leave_broker, before a drain */
/* Of its session at that broker, in the state folder. The caller frees; NULL: out of memory. */
char *function_record_name(const char *function, const struct broker *broker);
/* Has a function of that name a session at that broker, as far as the state folder knows? */
bool function_has_record(const struct node *node, const char *function, const struct broker *broker);
void *function_user(const struct function *f);
void function_set_user(struct function *f, void *user); /* for the events */

#endif
