/* publisher.h: the device of the audit: sends numbered messages at QoS 1 and 2, and sends each again until
 * the broker has acknowledged it.
 *
 * A thread of its own with a connection of its own, past the proxy: what is lost is not lost here. Calls are
 * for the main thread. */
#ifndef TESTS_SYSTEM_AUDIT_PUBLISHER_H
#define TESTS_SYSTEM_AUDIT_PUBLISHER_H

#include "audit/ledger.h"

#include <stdint.h>

struct publisher;

/* `rate` messages a second, chosen by seed. */
struct publisher *publisher_start(uint16_t port, struct ledger *l, unsigned rate, uint64_t seed);

/* From its return on nothing of that stream is sent that was not sent before; a paused stream is left out. */
void publisher_pause(struct publisher *p, size_t stream);
void publisher_resume(struct publisher *p, size_t stream);

void publisher_burst(struct publisher *p, size_t stream, unsigned count); /* as fast as it goes */

/* Sends nothing new but what is left of bursts; waits until the broker has acknowledged all that was sent.
 * False: the deadline came. */
bool publisher_finish(struct publisher *p, int within_ms);

#endif
