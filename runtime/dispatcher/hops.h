/* hops.h: through how many functions has a message come? The user property that ends a circle. Pure.
 *
 * MQTT 5 only: 3.1.1 has no user properties. */
#ifndef HARK_DISPATCHER_HOPS_H
#define HARK_DISPATCHER_HOPS_H

#include "shared/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { HOPS_MAX = 16, HOPS_TEXT_MAX = 12 };

#define HOPS_KEY        "hark-hops"
#define HOPS_KEY_PREFIX "hark-" /* of properties that hark alone sets */

/* What the properties say. None: 0. More than one: the largest. What is no number (digits only) counts
 * for nothing: no hark writes it, and the next one writes a number. A number too large for the type is
 * UINT32_MAX. */
uint32_t hops_read(const struct property *properties, uint32_t count);

/* Such a message is not run. */
static inline bool hops_are_used_up(uint32_t hops)
{
    return hops >= HOPS_MAX;
}

/* The property of what comes out of a message with that many. `text` is the caller's storage for its value.
 */
struct property hops_next(uint32_t hops, char text[HOPS_TEXT_MAX]);

/* Is the key one that hark alone sets? */
bool hops_is_reserved(struct slice key);

/* Copies the properties without reserved ones to `to`, which has room for `count`. Returns how many. */
uint32_t hops_copy_own(struct property *to, const struct property *properties, uint32_t count);

#endif
