/* dev_rebuild.h: when `hark dev` builds: one build at a time, and what is saved meanwhile is built once more.
 * Pure. That several saves within a moment are one change is watch.h's doing. */
#ifndef HARK_CLI_DEV_REBUILD_H
#define HARK_CLI_DEV_REBUILD_H

#include <stdbool.h>

enum rebuild_state { REBUILD_RESTS, REBUILD_RUNS, REBUILD_IS_STALE, REBUILD_IS_OVER, REBUILD_STATES };
enum rebuild_event { REBUILD_CHANGED, REBUILD_ENDED, REBUILD_STOPPED, REBUILD_EVENTS };

/* *state becomes the next. True: a build is to be started now. */
__attribute__((warn_unused_result)) bool rebuild_step(enum rebuild_state *state, enum rebuild_event event);

#endif
