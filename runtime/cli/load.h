/* load.h: what `hark check` and `hark invoke` have in common: a path becomes a revision, and what its worker
 * says becomes lines of the log. On the main thread. */
#ifndef HARK_CLI_LOAD_H
#define HARK_CLI_LOAD_H

#include "dispatcher/worker.h"
#include "shared/log.h"
#include "shared/slice.h"

enum { LOAD_TRIES = 100 }; /* of a file that is being written; each waits for FREEZE_SETTLE_MS */

bool load_is_manifest(const char *path); /* by its name: *.yaml, *.yml */

/* revision_load or revision_load_handler, by the path's name; waits while the files are being written. As
 * those. */
__attribute__((warn_unused_result)) int load_revision(const char *path, const char *functions,
                                                      struct revision **ret_revision, struct diags *diags);

/* Puts the handler of *revision under another manifest, whose own handler does not count: *revision becomes
 * that. As load_revision. */
__attribute__((warn_unused_result)) int load_under(const char *manifest_path, const char *functions,
                                                   struct revision **revision, struct diags *diags);

/* The manifest alone, whatever its handler is; NULL: it is not good. */
struct manifest *load_manifest(const char *path);

/* The level of a function's line, which may be any number: as hark_log has it. */
enum log_level load_log_level(int level);

/* A line of a function, in the log as `hark run` has it; level as load_log_level. */
void load_log(const struct worker *w, int level, struct slice text);

#endif
