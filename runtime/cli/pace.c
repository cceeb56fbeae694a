#include "cli/pace.h"

static const uint64_t LONGEST_NS = UINT64_MAX / 4; /* 146 years */

static uint64_t pause_ns(uint64_t recorded_ns, double speed)
{
    double ns = (double)recorded_ns / speed;
    return ns < (double)LONGEST_NS ? (uint64_t)ns : LONGEST_NS;
}

uint64_t pace_due(struct pace *p, uint64_t recorded_ns, uint64_t now_ns)
{
    uint64_t due_ns = p->last_due_ns ? p->last_due_ns : now_ns;
    if (p->speed > 0 && recorded_ns && !p->first_ns) {
        p->first_ns = recorded_ns;
        p->began_ns = due_ns;
    } else if (p->speed > 0 && recorded_ns > p->first_ns && p->first_ns) {
        uint64_t at_ns = p->began_ns + pause_ns(recorded_ns - p->first_ns, p->speed);
        due_ns = at_ns > due_ns ? at_ns : due_ns;
    }
    p->last_due_ns = due_ns;
    return due_ns;
}
