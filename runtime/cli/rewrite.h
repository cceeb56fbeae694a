/* rewrite.h: a file of a person gets another content, at once or not at all.
 *
 * Beside it, then renamed over it: rename(2). Its mode stays, and its owner where that is allowed; of a
 * symbolic link, the file that it leads to is rewritten. */
#ifndef HARK_CLI_REWRITE_H
#define HARK_CLI_REWRITE_H

#include "shared/slice.h"

/* 0; -EBUSY: its content is no longer `old`; or another negative errno: -EACCES also for a file that may not
 * be written in a folder that may. */
__attribute__((warn_unused_result)) int rewrite_file(const char *path, struct slice old, struct slice now);

#endif
