#include "dispatcher/gather.h"

#include "shared/clock.h"

#include <stddef.h>

void gather_heard(struct gather *g, const void *who, bool is_alone)
{
    g->mixed |= g->who && g->who != who;
    g->who = who;
    g->turn++;
    g->overlaps += !is_alone || g->turn > 1;
}

static void count_turn(struct gather *g)
{
    g->messages += g->turn;
    g->turns += g->turn > 0;
    g->turn = 0;
}

static void stop(struct gather *g, uint64_t retry_ns)
{
    g->paused_periods = g->poor_periods = 0;
    g->retry_ns = retry_ns;
}

/* Less came than without pauses: whoever sends waits for us. */
static void was_no_gain(struct gather *g, uint64_t now_ns)
{
    uint64_t twice_ns = 2 * g->retry_in_ns;
    g->retry_in_ns = twice_ns < GATHER_RETRY_MIN_NS   ? GATHER_RETRY_MIN_NS
                     : twice_ns > GATHER_RETRY_MAX_NS ? GATHER_RETRY_MAX_NS
                                                      : twice_ns;
    stop(g, now_ns + g->retry_in_ns);
}

static bool is_flood(const struct gather *g, uint64_t rate)
{
    return rate >= GATHER_RATE_MIN && g->overlaps > 0 && g->messages < g->turns * GATHER_TOGETHER;
}

static void judge(struct gather *g, uint64_t lasted_ns, uint64_t now_ns)
{
    uint64_t rate = g->messages * NS_PER_S / lasted_ns;
    if (lasted_ns >= GATHER_SILENCE_NS) { /* what it will be like then, nobody knows */
        g->retry_in_ns = 0;
        stop(g, now_ns);
    } else if (g->paused_periods == 0) {
        g->rate_before = (uint32_t)rate;
        g->paused_periods = now_ns >= g->retry_ns && is_flood(g, rate);
    } else if (rate * 8 >= g->rate_before * 5ull) {
        g->poor_periods = 0;
        if (++g->paused_periods > GATHER_PERIODS_MAX) {
            g->retry_in_ns = 0;
            stop(g, now_ns);
        }
    } else if (++g->poor_periods == GATHER_POOR_PERIODS) {
        was_no_gain(g, now_ns);
    }
}

static void begin_period(struct gather *g, uint64_t now_ns)
{
    g->who = NULL;
    g->messages = g->turns = g->overlaps = 0;
    g->mixed = false;
    g->began_ns = now_ns;
}

uint64_t gather_turn(struct gather *g, uint64_t now_ns)
{
    uint64_t lasted_ns = now_ns - g->began_ns;
    count_turn(g);
    if (g->mixed)
        stop(g, now_ns + GATHER_RETRY_MAX_NS);
    if (g->mixed || lasted_ns >= GATHER_PERIOD_NS) {
        if (!g->mixed)
            judge(g, lasted_ns, now_ns);
        begin_period(g, now_ns);
    }
    return g->paused_periods ? GATHER_PAUSE_NS : 0;
}
