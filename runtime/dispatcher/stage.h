/* stage.h: one try to deploy: files read and frozen on a thread of the pool, then probed in a worker.
 *
 * On the loop thread. Takes no message: whether the revision takes over is the deployer's decision. */
#ifndef HARK_DISPATCHER_STAGE_H
#define HARK_DISPATCHER_STAGE_H

#include "dispatcher/revision.h"
#include "dispatcher/worker.h"

struct stage;

struct stage_events {
    /* The files are read: revision, or NULL and complaints. names: as in revision_load_named. Both stay the
     * stage's. */
    void (*loaded)(void *user, struct stage *stage, int error, const struct diags *diags);
    /* After stage_probe. worker: ready, running the revision, now the caller's (stage_discard_worker, or
     * worker_set_user), error 0; NULL: text says why not, error -EAGAIN: through no fault of the revision,
     * for want of a process; -ENOEXEC: refused. */
    void (*probed)(void *user, struct stage *stage, struct worker *worker, int error, const char *text);
};

/* Starts to read. NULL: out of memory. */
struct stage *stage_create(uv_loop_t *loop, const char *manifest_path, const char *functions,
                           const struct stage_events *events, void *user);
struct revision *stage_revision(const struct stage *stage); /* the stage's reference */
const struct revision_names *stage_names(const struct stage *stage);
char **stage_take_config_files(struct stage *stage); /* of the names; the caller's from now on */
/* After loaded: loads it in a worker. */
void stage_probe(struct stage *stage, struct worker_io *io);
/* Ends it; allowed at any time, also from its callbacks, which are not called any more. A probe that runs is
 * killed. */
void stage_close(struct stage *stage);

/* Puts a probe that nobody needs to rest. */
void stage_discard_worker(struct worker *worker);

#endif
