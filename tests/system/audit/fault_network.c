#include "audit/fault_kinds.h"
#include "shared/clock.h"

bool begin_cut(struct world *w, struct fault *f)
{
    (void)f;
    return proxy_cut(w->proxy) > 0;
}

bool begin_stall(struct world *w, struct fault *f)
{
    (void)f;
    proxy_stall(w->proxy);
    return true;
}

void end_stall(struct world *w, struct fault *f)
{
    (void)f;
    proxy_resume(w->proxy);
}

bool begin_half_open(struct world *w, struct fault *f)
{
    (void)f;
    proxy_half_open(w->proxy);
    return true;
}

bool begin_abandon(struct world *w, struct fault *f)
{
    (void)f;
    proxy_abandon(w->proxy);
    return true;
}

/* The publisher and the listener are at this broker too, and what they have under way may come twice. */
bool begin_broker_stop(struct world *w, struct fault *f)
{
    (void)f;
    ledger_repeats(w->ledger, clock_now_ns());
    broker_write_log(w->broker, w->log, w->zero_ns);
    broker_stop(w->broker);
    ledger_repeats(w->ledger, clock_now_ns());
    return true;
}

void end_broker_stop(struct world *w, struct fault *f)
{
    (void)f;
    broker_up(w->broker);
}
