/* listener.h: hears every answer and every dead letter, and enters them into the ledger.
 *
 * A thread of its own with a connection of its own, past the proxy, whose session the broker keeps while it
 * is away. */
#ifndef TESTS_SYSTEM_AUDIT_LISTENER_H
#define TESTS_SYSTEM_AUDIT_LISTENER_H

#include "audit/ledger.h"

#include <stdint.h>

struct listener;

/* Subscribed, at `qos`, when it returns. Lives until the end of the test. */
struct listener *listener_start(uint16_t port, struct ledger *l, uint8_t qos);

#endif
