/* retry.h: how long until the next try. Pure. */
#ifndef HARK_DISPATCHER_RETRY_H
#define HARK_DISPATCHER_RETRY_H

#include <stdint.h>

/* backoff_ns doubled for each attempt made (1, 2, …), at most max_ns, then jittered to between half and the
 * whole of it by `random`, so that many messages that failed together do not come back together. */
uint64_t retry_delay_ns(uint64_t backoff_ns, uint64_t max_ns, uint32_t attempts, uint64_t random);

#endif
