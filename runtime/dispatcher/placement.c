#include "dispatcher/placement.h"

#include <stdbool.h>

static int let_go(struct placement *p)
{
    int was = p->cpu;
    p->cpu = PLACEMENT_ANYWHERE;
    p->lone = 0;
    return was == PLACEMENT_ANYWHERE ? PLACEMENT_AS_IT_IS : PLACEMENT_ANYWHERE;
}

static void learn_gap(struct placement *p, uint64_t sent_ns)
{
    uint64_t gap_ns = sent_ns - p->last_ns;
    if (gap_ns > PLACEMENT_GAP_NS_MAX)
        gap_ns = PLACEMENT_GAP_NS_MAX;
    p->gap_ns = p->gap_ns ? (p->gap_ns * 7 + gap_ns) / 8 : gap_ns;
    p->last_ns = sent_ns;
}

int placement_next(struct placement *p, uint64_t sent_ns, uint32_t load, uint64_t service_ns, int cpu)
{
    learn_gap(p, sent_ns);
    bool is_slow = service_ns > PLACEMENT_CALL_NS_MAX, is_hasty = p->gap_ns < PLACEMENT_GAP_NS_MIN;
    if (load > 1 || is_slow || is_hasty || cpu < 0)
        return let_go(p);
    if (p->lone < PLACEMENT_LONE_CALLS && ++p->lone < PLACEMENT_LONE_CALLS)
        return PLACEMENT_AS_IT_IS;
    if (p->cpu == cpu)
        return PLACEMENT_AS_IT_IS;
    p->cpu = cpu;
    return cpu;
}

int placement_look(struct placement *p, uint64_t busy_ns)
{
    return busy_ns > PLACEMENT_CALL_NS_MAX ? let_go(p) : PLACEMENT_AS_IT_IS;
}
