/* worker_fsm.h: what happens to a worker next. Pure: no clock, I/O or malloc.
 *
 * The shell (worker.c) turns frames, timers and the zygote's reports into events and executes the actions. */
#ifndef HARK_DISPATCHER_WORKER_FSM_H
#define HARK_DISPATCHER_WORKER_FSM_H

enum worker_state {
    WS_STARTING, /* the fork is ordered; READY has not come */
    WS_IDLE,     /* ready, no call on its way */
    WS_BUSY,     /* calls on their way */
    WS_DRAINING, /* calls on their way; no new ones; then it is stopped */
    WS_STOPPING, /* STOP is sent */
    WS_KILLING,  /* SIGKILL is ordered */
    WS_GONE,     /* exited and read to its end */
    WS_COUNT
};

enum worker_event {
    WE_READY,
    WE_READY_TO_RUN, /* ready, and a call was sent ahead */
    WE_INVOKE,       /* a call is sent */
    WE_RESULT,       /* a result came; more calls are on their way */
    WE_LAST_RESULT,  /* a result came; it was the last call */
    WE_LATE,         /* the time of start, of a call, or of stop is over */
    WE_BROKEN,       /* a frame broke a rule */
    WE_CLOSED,       /* end of file on the channel: it closed it, or is about to exit */
    WE_STOP,         /* the pool puts it to rest */
    WE_ABORT,        /* the pool wants it gone at once */
    WE_EXIT,         /* the zygote reaped it */
    WE_COUNT
};

enum worker_action {
    WA_REFUSE, /* the table has no such cell: the event has no meaning in this state */
    WA_NONE,
    WA_TELL_READY,
    WA_SEND,     /* the call */
    WA_COMPLETE, /* hand on the result */
    WA_COMPLETE_THEN_STOP,
    WA_SEND_STOP,
    WA_KILL,
    WA_END /* read what is left, tell the owner, free */
};

struct worker_step {
    enum worker_state state;
    enum worker_action action;
};

/* The next state and what to do. An event without meaning leaves the state and says WA_REFUSE; from frames
 * that means the worker broke the protocol, from our own side it is a bug. */
struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event);

const char *worker_state_name(enum worker_state state);
const char *worker_event_name(enum worker_event event);

#endif
