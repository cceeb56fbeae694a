/* spares.h: workers that are born before anybody asks for them.
 *
 * In the zygote. A worker is forked and sealed first and gets its descriptors afterwards, so a few can wait,
 * sealed, for the next order: what is left then is to load the function. Which limits the next order will
 * have nobody knows; the last one's are a good guess. A spare has seen no function and no descriptor of one.
 */
#ifndef HARK_WORKER_SPARES_H
#define HARK_WORKER_SPARES_H

#include "shared/wire.h"

#include <stdbool.h>
#include <sys/types.h>

enum { SPARES_MAX = 2 };

struct newborn {
    pid_t pid;
    int handoff; /* to descriptors_send(3) to; the worker ends when it closes */
};

struct spares {
    struct newborn waiting[SPARES_MAX];
    int count;
    struct seal_limits limits; /* of all that wait, and of the next to be born */
    bool wanted;               /* false: there has been no order yet */
};

/* One with these limits; the next to be born will have them, too. False: there is none. */
bool spares_take(struct spares *spares, const struct seal_limits *limits, struct newborn *ret_newborn);
bool spares_lacking(const struct spares *spares);
void spares_add(struct spares *spares, const struct newborn *newborn);
void spares_forget(struct spares *spares, pid_t pid); /* it is dead and reaped, if it was one */
void spares_drop(struct spares *spares);              /* SIGKILL to all; still to be reaped */

#endif
