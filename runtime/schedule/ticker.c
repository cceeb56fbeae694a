#include "schedule/ticker.h"

#include "schedule/civil.h"
#include "shared/clock.h"

/* A step of the wall clock back by no more is waited for; NTP makes them. */
enum { STEP_BACK_MAX_S = 60 };

static int64_t wall_s(struct ticker_now now)
{
    return floor_divide(now.wall_ns, (int64_t)NS_PER_S);
}

/* ---- every ---- */

/* FNV-1a over the names and a border behind each, then the finaliser of MurmurHash3. */
uint64_t ticker_seed(const char *node, const char *function, const char *timer)
{
    const char *const names[] = {node, function, timer};
    uint64_t hash = 14695981039346656037ull;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (const char *c = names[i]; *c; c++)
            hash = (hash ^ (unsigned char)*c) * 1099511628211ull;
        hash = (hash ^ '/') * 1099511628211ull;
    }
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdull;
    return hash ^ hash >> 33;
}

struct ticker ticker_every(uint64_t every_ns, uint64_t seed, struct ticker_now now)
{
    uint64_t phase_ns = seed % every_ns;
    uint64_t due_ns =
        now.mono_ns < phase_ns ? phase_ns : now.mono_ns + every_ns - (now.mono_ns - phase_ns) % every_ns;
    return (struct ticker){.every_ns = every_ns, .due_ns = due_ns};
}

static struct ticker_due look_at_every(struct ticker *t, struct ticker_now now)
{
    if (now.mono_ns < t->due_ns)
        return (struct ticker_due){0};
    uint64_t missed = (now.mono_ns - t->due_ns) / t->every_ns;
    t->due_ns += (missed + 1) * t->every_ns;
    return (struct ticker_due){true, missed};
}

/* ---- cron ---- */

struct ticker ticker_cron(const struct cron *cron, const struct zone *zone, struct ticker_now now)
{
    int64_t s = wall_s(now);
    return (struct ticker){.cron = cron, .zone = zone, .seen_s = s, .due_s = cron_next(cron, zone, s)};
}

void ticker_rebind(struct ticker *t, const struct cron *cron, const struct zone *zone)
{
    t->cron = cron;
    t->zone = zone;
    t->due_s = cron_next(cron, zone, t->seen_s);
}

/* How many ticks there are after `from` and not after `to`, and the last of them (left alone: none). */
static uint64_t count_ticks(const struct ticker *t, int64_t from, int64_t to, int64_t *last)
{
    uint64_t count = 0;
    for (int64_t at = from; count < TICKER_MISSED_MAX; count++) {
        at = cron_next(t->cron, t->zone, at);
        if (at > to)
            break;
        *last = at;
    }
    return count;
}

static struct ticker_due look_at_cron(struct ticker *t, struct ticker_now now)
{
    int64_t s = wall_s(now), last = INT64_MIN;
    bool set_back = s < t->seen_s - STEP_BACK_MAX_S;
    if (set_back)
        t->due_s = cron_next(t->cron, t->zone, s);
    if (set_back || s > t->seen_s)
        t->seen_s = s;
    if (s < t->due_s)
        return (struct ticker_due){0};
    uint64_t missed = count_ticks(t, t->due_s - 1, s, &last);
    last = INT64_MIN;
    bool tick = count_ticks(t, s - TICKER_LATE_MAX_S - 1, s, &last) > 0 && last >= t->due_s;
    t->due_s = cron_next(t->cron, t->zone, s);
    return (struct ticker_due){tick, missed - tick};
}

/* ---- either ---- */

struct ticker_due ticker_look(struct ticker *t, struct ticker_now now)
{
    return t->every_ns ? look_at_every(t, now) : look_at_cron(t, now);
}

uint64_t ticker_next_ns(const struct ticker *t, struct ticker_now now)
{
    if (t->every_ns)
        return t->due_ns;
    if (t->due_s == CRON_NEVER)
        return CLOCK_NEVER;
    int64_t left_s = t->due_s - wall_s(now);
    if (left_s > TICKER_LOOK_EVERY_S)
        return now.mono_ns + TICKER_LOOK_EVERY_S * NS_PER_S;
    int64_t left_ns = t->due_s * (int64_t)NS_PER_S - now.wall_ns;
    return left_ns > 0 ? now.mono_ns + (uint64_t)left_ns : now.mono_ns;
}
