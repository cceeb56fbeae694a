/* capabilities.h: gives up every capability(7) of the calling process, now and for every program it could
 * become. */
#ifndef HARK_WORKER_CAPABILITIES_H
#define HARK_WORKER_CAPABILITIES_H

#include <stdbool.h>

/* What no program may ever be given, whatever its file says. Inherited, and outlives the right to do it, so
 * root does it before it becomes somebody. 0 or a negative errno: -EPERM for want of CAP_SETPCAP. */
int capabilities_empty_bounding_set(void);

/* unshare(CLONE_NEWUSER), which brings all capabilities back, within the namespace. 0 or a negative errno. */
__attribute__((warn_unused_result)) int capabilities_enter_user_namespace(void);

/* Empties all sets and locks the securebits. *ret_emptied is false when the bounding set could not be emptied
 * for want of CAP_SETPCAP; the other sets are empty then, and no_new_privs keeps the bounding set from
 * mattering. 0 or a negative errno. */
__attribute__((warn_unused_result)) int capabilities_drop(bool *ret_emptied);

#endif
