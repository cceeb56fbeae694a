#include "dispatcher/worker_fsm.h"

static const struct worker_step table[WS_COUNT][WE_COUNT] = {
    [WS_STARTING][WE_READY] = {WS_IDLE, WA_TELL_READY},
    [WS_STARTING][WE_READY_TO_RUN] = {WS_BUSY, WA_TELL_READY},
    [WS_STARTING][WE_INVOKE] = {WS_STARTING, WA_SEND}, /* it runs it as soon as it is ready */
    [WS_STARTING][WE_LATE] = {WS_KILLING, WA_KILL},
    [WS_STARTING][WE_BROKEN] = {WS_KILLING, WA_KILL},
    [WS_STARTING][WE_CLOSED] = {WS_KILLING, WA_KILL},
    [WS_STARTING][WE_STOP] = {WS_KILLING, WA_KILL}, /* has done nothing yet: stop() is owed to nobody */
    [WS_STARTING][WE_ABORT] = {WS_KILLING, WA_KILL},
    [WS_STARTING][WE_EXIT] = {WS_GONE, WA_END},

    [WS_IDLE][WE_INVOKE] = {WS_BUSY, WA_SEND},
    [WS_IDLE][WE_LATE] = {WS_IDLE, WA_NONE}, /* the result crossed the timer */
    [WS_IDLE][WE_BROKEN] = {WS_KILLING, WA_KILL},
    [WS_IDLE][WE_CLOSED] = {WS_KILLING, WA_KILL},
    [WS_IDLE][WE_STOP] = {WS_STOPPING, WA_SEND_STOP},
    [WS_IDLE][WE_ABORT] = {WS_KILLING, WA_KILL},
    [WS_IDLE][WE_EXIT] = {WS_GONE, WA_END},

    [WS_BUSY][WE_INVOKE] = {WS_BUSY, WA_SEND},
    [WS_BUSY][WE_RESULT] = {WS_BUSY, WA_COMPLETE},
    [WS_BUSY][WE_LAST_RESULT] = {WS_IDLE, WA_COMPLETE},
    [WS_BUSY][WE_LATE] = {WS_KILLING, WA_KILL},
    [WS_BUSY][WE_BROKEN] = {WS_KILLING, WA_KILL},
    [WS_BUSY][WE_CLOSED] = {WS_KILLING, WA_KILL},
    [WS_BUSY][WE_STOP] = {WS_DRAINING, WA_NONE},
    [WS_BUSY][WE_ABORT] = {WS_KILLING, WA_KILL},
    [WS_BUSY][WE_EXIT] = {WS_GONE, WA_END},

    [WS_DRAINING][WE_RESULT] = {WS_DRAINING, WA_COMPLETE},
    [WS_DRAINING][WE_LAST_RESULT] = {WS_STOPPING, WA_COMPLETE_THEN_STOP},
    [WS_DRAINING][WE_LATE] = {WS_KILLING, WA_KILL},
    [WS_DRAINING][WE_BROKEN] = {WS_KILLING, WA_KILL},
    [WS_DRAINING][WE_CLOSED] = {WS_KILLING, WA_KILL},
    [WS_DRAINING][WE_STOP] = {WS_DRAINING, WA_NONE},
    [WS_DRAINING][WE_ABORT] = {WS_KILLING, WA_KILL},
    [WS_DRAINING][WE_EXIT] = {WS_GONE, WA_END},

    [WS_STOPPING][WE_LATE] = {WS_KILLING, WA_KILL},
    [WS_STOPPING][WE_BROKEN] = {WS_KILLING, WA_KILL},
    [WS_STOPPING][WE_CLOSED] = {WS_STOPPING,
                                WA_NONE}, /* on its way out; LATE catches one that only closed it */
    [WS_STOPPING][WE_STOP] = {WS_STOPPING, WA_NONE},
    [WS_STOPPING][WE_ABORT] = {WS_KILLING, WA_KILL},
    [WS_STOPPING][WE_EXIT] = {WS_GONE, WA_END},

    [WS_KILLING][WE_READY] = {WS_KILLING, WA_NONE}, /* these crossed the SIGKILL */
    [WS_KILLING][WE_READY_TO_RUN] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_RESULT] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_LAST_RESULT] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_LATE] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_BROKEN] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_CLOSED] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_STOP] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_ABORT] = {WS_KILLING, WA_NONE},
    [WS_KILLING][WE_EXIT] = {WS_GONE, WA_END},
};

struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event)
{
    struct worker_step step = table[state][event];
    return step.action == WA_REFUSE ? (struct worker_step){state, WA_REFUSE} : step;
}

const char *worker_state_name(enum worker_state state)
{
    static const char *const names[WS_COUNT] = {"STARTING", "IDLE",    "BUSY", "DRAINING",
                                                "STOPPING", "KILLING", "GONE"};
    return names[state];
}

const char *worker_event_name(enum worker_event event)
{
    static const char *const names[WE_COUNT] = {"READY",       "READY_TO_RUN", "INVOKE", "RESULT",
                                                "LAST_RESULT", "LATE",         "BROKEN", "CLOSED",
                                                "STOP",        "ABORT",        "EXIT"};
    return names[event];
}
