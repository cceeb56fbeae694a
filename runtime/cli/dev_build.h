/* dev_build.h: builds the folder that `hark dev` serves, once at the start and whenever a source was saved.
 *
 * On the loop thread. A line says that it begins and one how it ended; what the compiler said stands between
 * them on standard error, when the build failed or has a warning. What it makes is deployed as anything that
 * changes in the folder; what a failed build left as it was keeps serving. */
#ifndef HARK_CLI_DEV_BUILD_H
#define HARK_CLI_DEV_BUILD_H

#include "cli/dev_rebuild.h"
#include "cli/dev_recipe.h"
#include "cli/dev_run.h"
#include "cli/dev_tree.h"

struct dev_build {
    uv_loop_t *loop;
    struct dev_recipe recipe;
    struct dev_run run;
    struct dev_tree tree;
    enum rebuild_state state;
    bool configures;     /* the command that runs only prepares the build */
    uint64_t started_ns; /* this build */
    char jobs[8];
};

/* Starts to watch, and the first build. False: there is nothing to build, or nothing to build it with, which
 * is said. In every case dev_build_finish must follow, while the loop lives. */
bool dev_build_start(struct dev_build *b, uv_loop_t *loop, const char *folder);
/* Is one under way? */
bool dev_build_is_busy(const struct dev_build *b);
/* Where handlers are besides the folder itself; borrowed, NULL: nowhere. */
const char *dev_build_output(const struct dev_build *b);
/* Ends what runs. */
void dev_build_finish(struct dev_build *b);
/* What of that can be done by who is about to die. */
void dev_build_kill(const struct dev_build *b);

#endif
