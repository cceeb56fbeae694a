/* log_budget.h: how much a function may log, as a leaky bucket: limits.log bytes a second, and what it did
 * not use of one second it may use at once. What is over is dropped and counted.
 *
 * Pure: the caller brings the clock. Zeroed memory is a fresh budget. */
#ifndef HARK_DISPATCHER_LOG_BUDGET_H
#define HARK_DISPATCHER_LOG_BUDGET_H

#include "shared/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOG_BUDGET_LINE_BYTES = 32,     /* a line costs this beside its text: empty ones are not free */
    LOG_BUDGET_BURST_MIN = 8 * 1024 /* of a smaller rate, so that the longest line passes */
};

struct log_budget {
    uint64_t used_bytes;                   /* of the burst, not yet leaked away */
    uint64_t leaked_ns;                    /* when that was so */
    uint64_t dropped_lines, dropped_bytes; /* not yet reported */
    uint64_t report_ns;                    /* when they are to be; meaningless while there are none */
};

/* May a line of that length be written? False: it is dropped, and counted. */
bool log_budget_take(struct log_budget *b, uint64_t bytes_per_s, size_t line_bytes, uint64_t now_ns);

/* When the next report is due: a second after the first drop that was not reported; CLOCK_NEVER: nothing to
 * report. */
uint64_t log_budget_due_ns(const struct log_budget *b);

/* What was dropped since the last report; starts anew. */
struct log_dropped {
    uint64_t lines, bytes;
};
struct log_dropped log_budget_report(struct log_budget *b);

#endif
