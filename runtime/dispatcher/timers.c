/* timers.c: the timer triggers of a function: ticks become invocations, one of a timer at a time.
 *
 * A tick is a message without a topic that no broker has sent: nothing acknowledges it, and nothing keeps it
 * when hark ends. Until its function succeeded or gave up, the next ticks of that timer are skipped. */
#include "dispatcher/function_internal.h"

#include "shared/clock.h"

#include <stdlib.h>
#include <time.h>

static struct ticker_now read_clocks(void)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct ticker_now){clock_now_ns(), (int64_t)(wall.tv_sec * (int64_t)NS_PER_S) + wall.tv_nsec};
}

/* ---- what is wanted ---- */

static struct timer *find(struct function *f, const char *name)
{
    for (size_t i = 0; i < f->timer_count; i++) {
        if (strcmp(f->timers[i].trigger->timer, name) == 0)
            return &f->timers[i];
    }
    return NULL;
}

/* Goes on where the old version's timer of that name is: a deploy makes no tick twice and leaves none out. */
static void take_over(struct timer *fresh, struct timer *old)
{
    const struct manifest_trigger *t = fresh->trigger;
    fresh->ticker = old->ticker;
    if (!t->every_ns)
        ticker_rebind(&fresh->ticker, &t->cron, t->zone);
    fresh->tick = old->tick;
    if (fresh->tick)
        fresh->tick->timer = fresh;
    old->tick = NULL;
}

static void begin(struct function *f, struct timer *fresh)
{
    const struct manifest_trigger *t = fresh->trigger;
    fresh->ticker =
        t->every_ns ? ticker_every(t->every_ns, ticker_seed(f->node->name, f->name, t->timer), read_clocks())
                    : ticker_cron(&t->cron, t->zone, read_clocks());
}

void timers_finish(struct function *f)
{
    for (size_t i = 0; i < f->timer_count; i++) {
        if (f->timers[i].tick)
            f->timers[i].tick->timer = NULL;
    }
    free(f->timers);
    f->timers = NULL;
    f->timer_count = 0;
}

static void arm(struct function *f)
{
    struct ticker_now now = read_clocks();
    for (size_t i = 0; i < f->timer_count; i++)
        function_arm(f, ticker_next_ns(&f->timers[i].ticker, now));
}

void timers_set(struct function *f)
{
    const struct manifest *m = f->active->revision->manifest;
    struct timer *fresh = calloc(m->trigger_count + 1, sizeof *fresh);
    size_t count = 0;
    if (!fresh) {
        timers_finish(f); /* their triggers are the old version's */
        function_log(f, LOG_ERROR, "%s", "no memory for its timers: they rest until its next version");
        return;
    }
    for (size_t i = 0; i < m->trigger_count; i++) {
        if (!m->triggers[i].timer)
            continue;
        struct timer *old = find(f, m->triggers[i].timer);
        fresh[count].trigger = &m->triggers[i];
        if (old)
            take_over(&fresh[count], old);
        else
            begin(f, &fresh[count]);
        count++;
    }
    timers_finish(f);
    f->timers = fresh;
    f->timer_count = count;
    arm(f);
}

/* ---- ticks ---- */

static struct tick *tick_create(struct timer *timer)
{
    size_t len = strlen(timer->trigger->timer);
    struct tick *tick = calloc(1, sizeof *tick + len + 1);
    if (!tick)
        return NULL;
    memcpy(tick->name, timer->trigger->timer, len + 1);
    tick->timer = timer;
    tick->property = (struct property){slice_of("hark-trigger"), slice_make(tick->name, len)};
    tick->message = (struct mqtt_message){.payload = slice_of(""),
                                          .properties = &tick->property,
                                          .property_count = 1,
                                          .received_ns = clock_now_ns()};
    return tick;
}

/* The bound is for what waits for a broker that is away, or that refuses its dead letter. */
static bool may_tick(const struct function *f, const struct timer *timer)
{
    return !timer->tick && f->ticks < f->active->revision->manifest->limit_queue;
}

static void fire(struct function *f, struct timer *timer)
{
    struct tick *tick = may_tick(f, timer) ? tick_create(timer) : NULL;
    if (!tick || intake_tick(f, tick))
        f->skipped_busy++;
}

void timers_run(struct function *f)
{
    if (f->phase != FUNCTION_SERVING || !f->active)
        return;
    for (size_t i = 0; i < f->timer_count; i++) {
        struct ticker_due due = ticker_look(&f->timers[i].ticker, read_clocks());
        f->skipped_late += due.missed;
        if (due.tick)
            fire(f, &f->timers[i]);
    }
    timers_say_skipped(f);
    arm(f);
}

void timers_tick_over(struct invocation *inv)
{
    if (!inv->tick || !inv->tick->timer)
        return;
    inv->tick->timer->tick = NULL;
    inv->tick->timer = NULL;
}

void timers_say_skipped(struct function *f)
{
    bool some = f->skipped_busy || f->skipped_late;
    if (!some || !function_may_say(f, &f->skipped_said_ns))
        return;
    if (f->skipped_busy)
        function_log(f, LOG_WARN, "skipped %llu ticks of its timers: what was before was not over",
                     (unsigned long long)f->skipped_busy);
    if (f->skipped_late)
        function_log(
            f, LOG_WARN,
            "skipped %llu ticks of its timers: it was too late for them (the machine slept, the clock "
            "was set, or hark was held up)",
            (unsigned long long)f->skipped_late);
    f->skipped_busy = f->skipped_late = 0;
}
