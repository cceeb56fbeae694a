#include "dispatcher/worker_internal.h"

#include "manifest/units.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>

/* What nobody sees costs nothing: a function's debug lines do not take the place of its errors. */
void worker_say(struct worker *w, int level, struct slice text)
{
    uint64_t now_ns = clock_now_ns();
    if (level < (int)log_level())
        return;
    if (log_budget_take(w->revision->log_budget, w->revision->manifest->limit_log_bytes, text.len, now_ns))
        w->events->log(w->user, w, level, text);
    worker_report_dropped(w, now_ns);
    if (log_budget_due_ns(w->revision->log_budget) < w->timer_at_ns)
        worker_arm(w, CLOCK_NEVER);
}

void worker_report_dropped(struct worker *w, uint64_t now_ns)
{
    char rate[UNITS_TEXT_MAX], text[160];
    if (log_budget_due_ns(w->revision->log_budget) > now_ns)
        return;
    struct log_dropped dropped = log_budget_report(w->revision->log_budget);
    if (dropped.lines == 0)
        return;
    int len = snprintf(
        text, sizeof text, "it logs more than limits.log (%s): dropped %" PRIu64 " lines, %" PRIu64 " bytes",
        units_format_rate(w->revision->manifest->limit_log_bytes, rate), dropped.lines, dropped.bytes);
    w->events->log(w->user, w, LOG_WARN, slice_make(text, (size_t)len));
}
