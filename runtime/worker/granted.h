/* granted.h: opens what a function was granted, and nothing that only looks like it.
 *
 * In a worker, before its function is loaded. A path is taken without symbolic links in any of its parts: a
 * function that may write beside one could lead the next grant elsewhere. What it leads to must be a file, a
 * folder or a socket as the grant says, in no file system by which the kernel is steered, and open to the
 * user that functions run as: a grant opens the seal, not the file's own permissions. */
#ifndef HARK_WORKER_GRANTED_H
#define HARK_WORKER_GRANTED_H

#include "shared/diag.h"
#include "shared/grants.h"

/* An O_PATH descriptor, or a negative errno and *why. */
__attribute__((warn_unused_result)) int granted_open(const struct grant *grant, struct diag *why);

/* The key of the manifest that a kind of grant stands below. */
const char *granted_key(enum grant_kind kind);

/* "sandbox.files: '/etc/x': …" into *why. Returns error. */
int granted_refuse(struct diag *why, const struct grant *grant, int error, const char *text);

/* Where no root of their own keeps functions to what is granted, a folder must not hold another mount, and is
 * read off a procfs whether it does. 0, or a negative errno and *why. */
__attribute__((warn_unused_result)) int granted_check(const struct grants *grants, int proc,
                                                      struct diag *why);

#endif
