#include "dispatcher/log_budget.h"

static uint64_t burst(uint64_t bytes_per_s)
{
    return bytes_per_s > LOG_BUDGET_BURST_MIN ? bytes_per_s : LOG_BUDGET_BURST_MIN;
}

/* The clock stands still for what is less than a byte's time, so that many short looks leak as much as one
 * long one. */
static void leak(struct log_budget *b, uint64_t bytes_per_s, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns > b->leaked_ns ? now_ns - b->leaked_ns : 0;
    uint64_t full_ns = (burst(bytes_per_s) / bytes_per_s + 1) * NS_PER_S; /* any bucket is empty after it */
    uint64_t leaked = passed_ns < full_ns ? passed_ns * bytes_per_s / NS_PER_S : burst(bytes_per_s);
    if (leaked >= b->used_bytes) {
        b->used_bytes = 0;
        b->leaked_ns = now_ns;
    } else {
        b->used_bytes -= leaked;
        b->leaked_ns += leaked * NS_PER_S / bytes_per_s;
    }
}

bool log_budget_take(struct log_budget *b, uint64_t bytes_per_s, size_t line_bytes, uint64_t now_ns)
{
    uint64_t cost = line_bytes + LOG_BUDGET_LINE_BYTES;
    uint64_t rate = bytes_per_s ? bytes_per_s : 1;
    leak(b, rate, now_ns);
    if (b->used_bytes + cost <= burst(rate)) {
        b->used_bytes += cost;
        return true;
    }
    if (b->dropped_lines++ == 0)
        b->report_ns = now_ns + NS_PER_S;
    b->dropped_bytes += line_bytes;
    return false;
}

uint64_t log_budget_due_ns(const struct log_budget *b)
{
    return b->dropped_lines ? b->report_ns : CLOCK_NEVER;
}

struct log_dropped log_budget_report(struct log_budget *b)
{
    struct log_dropped dropped = {b->dropped_lines, b->dropped_bytes};
    b->dropped_lines = b->dropped_bytes = 0;
    return dropped;
}
