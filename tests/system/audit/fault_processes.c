#include "audit/fault_kinds.h"
#include "audit/random.h"
#include "audit/streams.h"
#include "shared/clock.h"
#include "support/worker_pids.h"

#include <signal.h>

/* hark's own grace for what runs when it is told to stop, nearly. */
#define GRACE_NS (9 * NS_PER_S)

bool begin_hark_kill(struct world *w, struct fault *f)
{
    (void)f;
    ledger_repeats(w->ledger, clock_now_ns());
    hark_kill(w->hark);
    ledger_repeats(w->ledger, clock_now_ns());
    return true;
}

/* What it has begun is finished and acknowledged, unless the grace runs out, or the broker is out of reach.
 */
bool begin_hark_stop(struct world *w, struct fault *f)
{
    /* Until it listens to signals, SIGTERM ends it as it ends any program. */
    if (hark_count_lines(w->hark, "^hark: deployed ") == 0)
        return false;
    w->is_clean_end = true;
    int code = hark_stop(w->hark);
    w->is_clean_end = false;
    if (code != 0)
        ledger_wrong(w->ledger, 0, "hark did not stop with exit code 0", clock_now_ns());
    if (clock_now_ns() - f->begin_ns > GRACE_NS)
        ledger_repeats(w->ledger, clock_now_ns());
    return true;
}

void end_hark_away(struct world *w, struct fault *f)
{
    (void)f;
    world_start_hark(w);
}

static bool freeze(struct fault *f, pid_t pid)
{
    f->pid = pid;
    return pid && kill(pid, SIGSTOP) == 0;
}

bool begin_hark_freeze(struct world *w, struct fault *f)
{
    return freeze(f, w->hark->process->pid);
}

static pid_t some_worker(struct world *w)
{
    unsigned seed = random_next(&w->random);
    return world_has_hark(w) ? worker_choose(w->hark->process->pid, &seed) : 0;
}

bool begin_worker_kill(struct world *w, struct fault *f)
{
    f->pid = some_worker(w);
    return f->pid && kill(f->pid, SIGKILL) == 0;
}

bool begin_worker_freeze(struct world *w, struct fault *f)
{
    return freeze(f, some_worker(w));
}

/* Whoever was killed meanwhile is not there any more. */
void end_freeze(struct world *w, struct fault *f)
{
    (void)w;
    kill(f->pid, SIGCONT);
}

bool begin_zygote_kill(struct world *w, struct fault *f)
{
    (void)f;
    return world_has_hark(w) && zygote_signal(w->hark->process->pid, SIGKILL);
}

/* Hark kills it when it lasts. */
bool begin_zygote_freeze(struct world *w, struct fault *f)
{
    f->pid = world_has_hark(w) ? zygote_signal(w->hark->process->pid, SIGSTOP) : 0;
    return f->pid != 0;
}

bool begin_burst(struct world *w, struct fault *f)
{
    publisher_burst(w->publisher, f->stream, random_between(&w->random, 100, 800));
    return true;
}
