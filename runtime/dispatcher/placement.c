#include "dispatcher/placement.h"

static int let_go(struct placement *p)
{
    int was = p->cpu;
    *p = PLACEMENT_INITIAL;
    return was == PLACEMENT_ANYWHERE ? PLACEMENT_AS_IT_IS : PLACEMENT_ANYWHERE;
}

int placement_next(struct placement *p, uint32_t load, uint64_t service_ns, int cpu)
{
    if (load > 1 || service_ns > PLACEMENT_CALL_NS_MAX || cpu < 0)
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
