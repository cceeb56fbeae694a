#include "mqtt/patience.h"

static void learn(struct patience *p, enum patience_heard heard, uint64_t silence_ns, uint64_t now_ns)
{
    bool is_strange = heard == PATIENCE_COMPANY || (heard == PATIENCE_ACK && p->is_acked);
    if (is_strange || silence_ns >= PATIENCE_NS)
        p->exchanges = 0;
    else
        p->exchanges += heard == PATIENCE_MESSAGE;
    if (p->exchanges < PATIENCE_EXCHANGES || now_ns < p->retry_ns)
        return;
    p->is_on = true;
    p->exchanges = 0;
}

void patience_heard(struct patience *p, enum patience_heard heard, uint64_t now_ns)
{
    uint64_t silence_ns = now_ns - p->heard_ns;
    p->heard_ns = now_ns;
    if (!p->is_on)
        learn(p, heard, silence_ns, now_ns);
    else if (heard == PATIENCE_MESSAGE)
        p->exchanges++;
    else
        patience_over(p, now_ns);
    p->is_acked = heard == PATIENCE_ACK;
}

void patience_over(struct patience *p, uint64_t now_ns)
{
    uint64_t twice_ns = p->exchanges >= PATIENCE_PAID ? 0 : 2 * p->retry_in_ns;
    p->retry_in_ns = twice_ns < PATIENCE_RETRY_MIN_NS   ? PATIENCE_RETRY_MIN_NS
                     : twice_ns > PATIENCE_RETRY_MAX_NS ? PATIENCE_RETRY_MAX_NS
                                                        : twice_ns;
    p->retry_ns = now_ns + p->retry_in_ns;
    p->is_on = p->is_acked = false;
    p->exchanges = 0;
}
