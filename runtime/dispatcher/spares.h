/* spares.h: workers that are born before anybody asks for them.
 *
 * On the loop thread. A worker is forked and sealed before it learns what for, so a few can wait, sealed:
 * what is left then is to load the function. A seal depends on the function's limits; which limits the next
 * function will have nobody knows, but those of the last few are a good guess. A function with grants gets a
 * worker that is sealed for it, never a spare. A spare has seen no function and no descriptor of one. It
 * costs some 100 KiB, so they are few. Where functions have cgroups it waits in that of one of them, and
 * serves no other. */
#ifndef HARK_DISPATCHER_SPARES_H
#define HARK_DISPATCHER_SPARES_H

#include "shared/wire.h"

#include <stdbool.h>
#include <uv.h>

enum {
    SPARES_SHAPES = 3,    /* different limits, the latest */
    SPARES_OF_LATEST = 2, /* that wait, of the limits that were asked for last */
    SPARES_OF_OTHERS = 1, /* of the others each; one that waits already stays */
    SPARES_DELAY_MS = 5,  /* they are made when no worker was started for so long: none must be slowed down */
    SPARES_PAUSE_MS = 1000 /* after one died: what kills it may kill the next */
};

struct worker;
struct worker_io;

/* What a worker is born with. */
struct birthplace {
    struct seal_limits limits;
    uint64_t cgroup; /* id, cgroup.h; 0: that of the zygote */
};

struct spare_shape {
    struct birthplace place;
    struct worker *waiting[SPARES_OF_LATEST];
    int count;
};

struct spares {
    struct spare_shape shapes[SPARES_SHAPES]; /* the latest first */
    int shape_count;
    bool kept; /* else there are none */
    int dying; /* killed, not gone yet */
    uv_timer_t timer;
};

void spares_init(struct worker_io *io); /* the timer is the caller's to close */

/* A sealed worker that was born there, which is the caller's then; NULL: there is none. Either way some more
 * of the kind will be made. */
struct worker *spares_take(struct worker_io *io, const struct birthplace *place);

/* One without a function has exited. */
void spares_forget(struct worker_io *io, const struct worker *w);

/* Kills them all, and makes no more. */
void spares_close(struct worker_io *io);
bool spares_are_gone(const struct worker_io *io);

#endif
