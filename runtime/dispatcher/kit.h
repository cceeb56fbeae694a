/* kit.h: the descriptors that a worker is born with: a channel, a log pipe and a flight recorder.
 *
 * Dispatcher, loop thread. To make them takes some 30 us of a start. They are the same for every worker, so a
 * few lie ready, made by the timer of the spares while there is nothing else to do. */
#ifndef HARK_DISPATCHER_KIT_H
#define HARK_DISPATCHER_KIT_H

#include "shared/wire.h"

#include <stdbool.h>

enum {
    KITS_READY = 2,                 /* after the spares, so many workers in a row find theirs */
    CHANNEL_SEND_BYTES = 512 * 1024 /* on their way in each direction, where net.core.wmem_max allows it */
};

struct kit {
    int channel, log;            /* our ends, which do not block */
    int theirs[ZYGOTE_FD_COUNT]; /* for zygote_fork */
    const struct wire_recorder *recorder;
};

struct kits {
    struct kit ready[KITS_READY];
    int count;
};

/* One that lay ready, or a new one; all that is in it is the caller's then. 0 or a negative errno. */
__attribute__((warn_unused_result)) int kit_take(struct kits *kits, struct kit *ret_kit);

/* Makes one more. False: enough lie ready, or there is none to be had just now. */
bool kits_add(struct kits *kits);

void kits_close(struct kits *kits);

#endif
