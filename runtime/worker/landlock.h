/* landlock.h: no path can be opened but what was granted, no TCP port bound, none connected to but what was
 * granted, no abstract socket reached and no process signalled: landlock(7), all that the running kernel
 * knows of it. */
#ifndef HARK_WORKER_LANDLOCK_H
#define HARK_WORKER_LANDLOCK_H

#include "shared/diag.h"
#include "shared/grants.h"

#include <stdint.h>

enum { LANDLOCK_SCOPED_ABI = 6 }; /* since when signals and abstract sockets are denied, too */

/* Needs no_new_privs. Binds the calling thread and what it starts. *ret_abi is the kernel's version of
 * landlock. 0 or a negative errno; *why when it is about a path. */
__attribute__((warn_unused_result)) int landlock_deny_all_but(const struct grants *grants, uint32_t *ret_abi,
                                                              struct diag *why);

/* The same in two steps, with nothing granted; the first can be done once for many processes. The descriptor
 * of a ruleset, close-on-exec, the caller's and higher than `above`, or a negative errno. */
__attribute__((warn_unused_result)) int landlock_create(int above);
__attribute__((warn_unused_result)) int landlock_enter(int ruleset);

#endif
