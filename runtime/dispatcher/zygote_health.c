#include "dispatcher/zygote_health.h"

void zygote_health_begin(struct zygote_health *h, uint64_t now_ns)
{
    *h = (struct zygote_health){.looked_ns = now_ns, .asked_ns = now_ns, .patience_ns = HEALTH_START_NS};
}

void zygote_health_ask(struct zygote_health *h, uint64_t now_ns)
{
    if (h->patience_ns)
        return;
    h->asked_ns = now_ns;
    h->patience_ns = HEALTH_REPLY_NS;
}

void zygote_health_hear(struct zygote_health *h)
{
    h->patience_ns = 0;
    h->was_heard = true;
}

enum health_verdict zygote_health_look(struct zygote_health *h, uint64_t now_ns)
{
    bool is_late = now_ns - h->looked_ns >= HEALTH_LATE_NS, was_heard = h->was_heard;
    h->looked_ns = now_ns;
    h->was_heard = false;
    if (is_late)
        h->asked_ns = now_ns;
    if (!h->patience_ns)
        return was_heard ? HEALTH_FINE : HEALTH_PING;
    return now_ns - h->asked_ns >= h->patience_ns ? HEALTH_SILENT : HEALTH_FINE;
}
