/* landlock.h: no path can be opened, no TCP port bound or connected, no abstract socket reached and no
 * process signalled: landlock(7), all that the running kernel knows of it. */
#ifndef HARK_WORKER_LANDLOCK_H
#define HARK_WORKER_LANDLOCK_H

#include <stdint.h>

enum { LANDLOCK_SCOPED_ABI = 6 }; /* since when signals and abstract sockets are denied, too */

/* Needs no_new_privs. Binds the calling thread and what it starts. *ret_abi is the kernel's version of
 * landlock. 0 or a negative errno. */
__attribute__((warn_unused_result)) int landlock_deny_all(uint32_t *ret_abi);

#endif
