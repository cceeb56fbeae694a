#include "dispatcher/retry.h"

uint64_t retry_delay_ns(uint64_t backoff_ns, uint64_t max_ns, uint32_t attempts, uint64_t random)
{
    uint64_t delay_ns = backoff_ns;
    for (uint32_t i = 1; i < attempts && delay_ns && delay_ns < max_ns; i++)
        delay_ns = delay_ns > max_ns / 2 ? max_ns : delay_ns * 2;
    if (delay_ns > max_ns)
        delay_ns = max_ns;
    uint64_t half = delay_ns / 2;
    return delay_ns - half + (half ? random % (half + 1) : 0);
}
