/* tap.h: reads along what goes through the proxy, so that it is known in which order hark was given messages,
 * and in which order it gave answers: a broker may change the order, and then it is the broker's fault.
 *
 * On the proxy's thread, but for tap_create. */
#ifndef TESTS_SYSTEM_AUDIT_TAP_H
#define TESTS_SYSTEM_AUDIT_TAP_H

#include "audit/ledger.h"
#include "support/proxy.h"

#include <stdio.h>

/* `trace`: where each packet becomes a line; NULL: nowhere. Lives until the end of the test. Before the first
 * connection. */
void tap_create(struct proxy *p, struct ledger *l, FILE *trace, uint64_t zero_ns);

#endif
