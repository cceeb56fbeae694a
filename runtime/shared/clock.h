/* clock.h: the monotonic clock, in nanoseconds. Any process. Pure code takes `now_ns` as an argument instead.
 */
#ifndef HARK_SHARED_CLOCK_H
#define HARK_SHARED_CLOCK_H

#include <stdint.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* "Never": later than any moment. */
#define CLOCK_NEVER UINT64_MAX

/* CLOCK_MONOTONIC, clock_gettime(2): does not jump when somebody sets the date. The same for all processes.
 */
uint64_t clock_now_ns(void);

#endif
