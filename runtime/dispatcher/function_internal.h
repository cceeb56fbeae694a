/* function_internal.h: what the files of a function share: function.c (life), subscribe.c, intake.c (message
 * to queue), timers.c (ticks), dispatch.c (queue to worker and back), release.c (outputs and
 * acknowledgement), pool.c (workers). */
#ifndef HARK_DISPATCHER_FUNCTION_INTERNAL_H
#define HARK_DISPATCHER_FUNCTION_INTERNAL_H

#include "dispatcher/function.h"
#include "dispatcher/outbox.h"
#include "dispatcher/queue.h"
#include "dispatcher/trigger.h"
#include "schedule/ticker.h"
#include "shared/log.h"

enum { RELEASING_BYTES_MAX = 32 << 20 }; /* outputs that wait for the broker; no call starts beyond it */

/* Why a message will never succeed. Each has a word that devices see: give_up_word. */
enum give_up {
    GIVE_UP_CRASH,
    GIVE_UP_TIMEOUT,
    GIVE_UP_REJECT,
    GIVE_UP_RETRY, /* the last attempt too ended with HARK_RETRY */
    GIVE_UP_TOO_LARGE,
    GIVE_UP_NO_TRIGGER,
    GIVE_UP_OUTPUT_REFUSED, /* by the broker */
    GIVE_UP_EXPIRED,
    GIVE_UP_LOOP
};

/* What a publish is remembered by until the broker has acknowledged it. */
struct receipt {
    struct invocation *invocation;
    bool is_error_reply; /* nothing hangs on it: a refusal is said, and that is all */
};

/* A timer trigger of the active revision. */
struct timer {
    const struct manifest_trigger *trigger;
    struct ticker ticker;
    struct tick *tick; /* the one that waits or is at work; NULL: none */
};

/* What a tick has instead of a message of the broker's. */
struct tick {
    struct mqtt_message message; /* no topic, no payload, one property: hark-trigger */
    struct property property;
    struct timer *timer; /* NULL: it was handled, or its timer is gone */
    char name[];         /* of its timer */
};

/* One message, from its arrival to its acknowledgement. */
struct invocation {
    struct queue_item item; /* in the queue */
    TAILQ_ENTRY(invocation) house_link;
    struct call call; /* at a worker */
    struct function *function;
    struct mqtt_message *message; /* lent by the session until it is released; or the tick's */
    struct tick *tick;            /* owned; NULL: a message of the broker's */
    struct slot *slot;            /* where it runs; NULL: it does not */
    uint32_t attempts;            /* made so far and counted */
    struct trigger_note note;     /* what it was sent to a worker for */
    struct outbox outbox;
    uint32_t hops; /* functions that the message has come through */
    struct receipt output, error_reply;
    struct dead_ticket ticket; /* of its dead letter's way to the disk */
    uint32_t awaited;          /* publishes that the broker has not acknowledged */
    size_t outputs_bytes;      /* handed over to the session, until all is acknowledged */
    bool all_sent;             /* every publish is handed over: awaited == 0 means all is safe */
    bool dead;                 /* the publish on its way is its dead letter */
    bool kept;                 /* the dead letter is on this machine's disk */
    bool answered;             /* its error reply is on its way, or was */
    bool unanswered;           /* the broker refused its error reply */
    bool unpublished;          /* its dead letter would go round: it is kept on this machine alone */
    bool forgone;              /* it waits to be over without what the broker refused */
    unsigned refused;          /* reason code of a publish that the broker refused; 0: none */
    uint64_t started_ns;
    enum give_up cause; /* meaningless unless reason is set */
    char *reason;       /* why it was given up, owned; NULL: it was not */
    TAILQ_ENTRY(invocation) unburied_link;
    uint64_t bury_ns; /* when its refused dead letter is sent again, or it is over without its error reply */
    bool unburied;    /* it waits for that */
};

/* A worker's place in a pool. */
struct slot {
    TAILQ_ENTRY(slot) link;
    struct pool *pool;
    struct worker *worker;
    struct queue_owner owner;
    uint64_t captured_call;         /* id of the call that `captures` are of; 0: of none */
    struct topic_captures captures; /* for the check of its outputs */
    bool ready;
    bool is_ahead;     /* not ready yet, and has a call */
    bool has_served;   /* a call came to its end */
    uint64_t ready_ns; /* since when it may serve; 0: it never got ready */
};

/* The workers of one revision of a function. */
struct pool {
    TAILQ_ENTRY(pool) link;
    struct function *function;
    struct revision *revision; /* one reference */
    TAILQ_HEAD(, slot) slots;
    uint32_t count, starting;
    uint32_t ahead;    /* of those that start: they have a call */
    uint32_t failures; /* workers in a row that did not start, or did not stay up until they had served */
    uint64_t retry_start_ns; /* no start before */
    bool draining;           /* an old revision, or the end */
};

enum function_phase { FUNCTION_SERVING, FUNCTION_LEAVING, FUNCTION_DRAINING, FUNCTION_CLOSING };

/* A subscription as this function wants it. */
struct subscription {
    char *filter;
    uint8_t qos;
    bool want_retained;
    bool answered, refused;
};

struct function {
    struct node *node;
    struct broker *broker;
    const struct function_events *events;
    void *user;
    char *name;
    char *record; /* its name in the state folder: one for each broker */
    struct mqtt_client *client;
    struct mqtt_client *exact; /* for outputs at QoS 2; made when first needed; NULL: none */
    unsigned exact_losses;     /* of its connection, since the last output that the broker took */
    bool said_losses, said_taken_at_qos_1;
    uint32_t clients; /* not closed yet */
    struct queue queue;
    TAILQ_HEAD(, pool) pools; /* the active one first, then draining ones */
    struct pool *active;
    uv_timer_t timer;
    uint64_t timer_at_ns;     /* CLOCK_NEVER: not armed */
    uint64_t subscribe_at_ns; /* once more; 0: it was done */
    uint64_t deadline_ns;     /* of leaving or draining */
    enum function_phase phase;
    bool timer_closed;
    bool pumping;
    unsigned reasons; /* to pump, since it was done; some: it is in the node's list */
    TAILQ_ENTRY(function) hungry_link;
    bool leaves_broker; /* LEAVING for another broker: what is queued here comes first */
    uint64_t heard_ns;  /* when it came online or got a message last; only while it leaves a broker */
    bool rekey;         /* `order` changed: what waits needs new keys, once nothing is in flight */
    struct subscription *subscriptions;
    size_t subscription_count;
    bool settled;
    uint64_t remember_ns;                   /* what the disk did not take is tried again; 0: it took all */
    uint32_t remember_failures;             /* in a row */
    bool broker_speaks_5;                   /* it did so, in this life of hark or an earlier one */
    TAILQ_HEAD(, invocation) unburied;      /* their dead letters were refused */
    TAILQ_HEAD(, invocation) invocations;   /* not yet over, in any place */
    uint32_t house;                         /* how many */
    uint32_t releasing;                     /* of them: waiting for the broker to acknowledge */
    uint64_t releasing_bytes;               /* of their outputs */
    bool may_expire;                        /* an output of it had an expiry */
    uint64_t expired_said, expired_said_ns; /* outputs that were never sent */
    uint64_t dropped, dropped_said, dropped_said_ns; /* QoS 0 messages that the queue had no room for */
    uint64_t looped, looped_said, looped_said_ns;    /* messages with too many hops */
    char *loop;                                      /* the circle, in words, as of looped_said_ns; or NULL */
    struct timer *timers;
    size_t timer_count;
    uint32_t ticks;                                       /* of `house` */
    uint64_t skipped_busy, skipped_late, skipped_said_ns; /* ticks, since it was last said */
};

/* function.c */
void function_arm(struct function *f, uint64_t at_ns); /* look again then, at the latest */
/* For lines that are said at most once a second: may this one be, which was said last at *said_ns (0: never)?
 * If so, it is now, and *said_ns says so. If not, the function looks again when it may. */
bool function_may_say(struct function *f, uint64_t *said_ns);
void function_check_end(struct function *f); /* leaving or draining: is it time to close? */
void function_heard(struct function *f);     /* the broker is there, and had something for it */

/* subscribe.c */
__attribute__((warn_unused_result)) int function_subscribe(
    struct function *f); /* to the active revision's triggers */
void function_unsubscribe_all(struct function *f);
void function_on_subscribed(void *user, size_t index, unsigned reason);
bool function_session_known(struct function *f, struct session_record *ret_record);
void function_free_subscriptions(struct function *f);
void function_remember_again(struct function *f, uint64_t now_ns); /* if the disk did not take it before */

/* intake.c */
void invocation_destroy(struct invocation *inv);
void function_on_message(void *user, struct mqtt_message *message);
void function_say_dropped(struct function *f);
void function_say_expired(struct function *f);
/* Takes the tick. -ENOMEM: it was freed. The caller pumps. */
__attribute__((warn_unused_result)) int intake_tick(struct function *f, struct tick *tick);

/* timers.c */
void timers_set(struct function *f); /* those of the active revision, from now on */
void timers_run(struct function *f); /* lets tick what is due; the caller pumps */
void timers_say_skipped(struct function *f);
void timers_tick_over(struct invocation *inv); /* it was handled, or given up: the next one may come */
void timers_finish(struct function *f);

/* dispatch.c */
void function_pump(struct function *f);                   /* waiting messages to workers that can take one */
void function_pump_soon(struct function *f);              /* before the loop waits */
extern const struct worker_events dispatch_worker_events; /* user: struct slot */

/* release.c */
void release_outputs(struct invocation *inv); /* it succeeded */
void release_discard(struct invocation *inv); /* nobody wants it: acknowledge and forget */
/* One publish more that the invocation waits for; QoS 0 is safe as soon as it is handed over. `receipt`: one
 * of the invocation's. */
void release_publish(struct receipt *receipt, const struct mqtt_publish *publish);
void release_when_safe(struct invocation *inv); /* all is handed over: is it all acknowledged too? */
void function_on_published(void *user, void *token, unsigned reason);

/* error_reply.c */
const char *give_up_word(enum give_up cause);
/* Tells the device that waits for an answer, if one does and it was not told yet. */
void error_reply(struct invocation *inv, enum give_up cause, const char *reason);
/* The same for one that becomes no dead letter; acknowledges and forgets it when the broker has the answer.
 */
void error_reply_and_discard(struct invocation *inv, enum give_up cause, const char *reason);

/* loop.c */
/* Came through too many functions. */
void loop_give_up(struct invocation *inv);
void function_say_looped(struct function *f);

/* dead_letter.c */
void dead_letter(struct invocation *inv, enum give_up cause, const char *reason); /* it never will succeed */
void dead_letter_refused(struct invocation *inv, unsigned reason);                /* by the broker */
void dead_letter_retry(struct function *f, uint64_t now_ns);
void dead_letter_forgo(struct invocation *inv); /* what the broker refused is not to be had: over soon */

/* pool.c */
struct pool *pool_create(struct function *f, struct revision *revision); /* takes it; NULL: no memory */
void pool_discard(struct pool *p); /* a fresh one; the revision is the caller's again */
void pool_adopt(struct pool *p, struct worker *probe);
void pool_drain(struct pool *p); /* lets calls finish, stops the workers, then frees itself */
void pool_kill(struct pool *p);  /* the same, at once */
/* Starts workers as the queue and `instances` ask. True: pool_pick may find one now that it did not before.
 */
bool pool_fill(struct pool *p);
void pool_slot_sent(struct slot *slot); /* a call */
struct slot *pool_pick(struct pool *p); /* the least loaded that can take what waits for it; NULL: none */
uint64_t pool_rest(struct pool *p, uint64_t now_ns); /* stops idle workers; when to look again */
void pool_slot_ready(struct slot *slot);
void pool_slot_served(struct slot *slot); /* a call of its is over: the function works */
/* The slot's worker is gone; frees the slot. is_useless: nobody asked it to go, and no message is to blame.
 */
void pool_slot_ended(struct slot *slot, bool is_useless, const char *text);

/* For "%s %.*s": `a message on TOPIC`, `a tick of every 30s`. */
#define INVOCATION_ARG(inv)                                                                                  \
    (inv)->tick ? "a tick of" : "a message on",                                                              \
        SLICE_ARG((inv)->tick ? slice_of((inv)->tick->name) : (inv)->message->topic)

/* `hark: function=NAME …` */
#define function_log(f, level, format, ...) log_line(level, "function=%s " format, (f)->name, __VA_ARGS__)

#endif
