#include "cli/dev_rebuild.h"

struct cell {
    enum rebuild_state next;
    bool starts;
};

static const struct cell table[REBUILD_STATES][REBUILD_EVENTS] = {
    [REBUILD_RESTS][REBUILD_CHANGED] = {REBUILD_RUNS, true},
    [REBUILD_RESTS][REBUILD_ENDED] = {REBUILD_RESTS, false},
    [REBUILD_RESTS][REBUILD_STOPPED] = {REBUILD_IS_OVER, false},
    [REBUILD_RUNS][REBUILD_CHANGED] = {REBUILD_IS_STALE, false},
    [REBUILD_RUNS][REBUILD_ENDED] = {REBUILD_RESTS, false},
    [REBUILD_RUNS][REBUILD_STOPPED] = {REBUILD_IS_OVER, false},
    [REBUILD_IS_STALE][REBUILD_CHANGED] = {REBUILD_IS_STALE, false},
    [REBUILD_IS_STALE][REBUILD_ENDED] = {REBUILD_RUNS, true},
    [REBUILD_IS_STALE][REBUILD_STOPPED] = {REBUILD_IS_OVER, false},
    [REBUILD_IS_OVER][REBUILD_CHANGED] = {REBUILD_IS_OVER, false},
    [REBUILD_IS_OVER][REBUILD_ENDED] = {REBUILD_IS_OVER, false},
    [REBUILD_IS_OVER][REBUILD_STOPPED] = {REBUILD_IS_OVER, false},
};

bool rebuild_step(enum rebuild_state *state, enum rebuild_event event)
{
    const struct cell *cell = &table[*state][event];
    *state = cell->next;
    return cell->starts;
}
